//! The report as JUnit XML, for Jenkins, GitLab and whatever else shows results of tests.
//!
//! A suite for each target; in it a case for the verdict and one for each check. What was skipped
//! or could not be found out is never a pass.

use std::io;

use checks::{
    finding::Status,
    report::{Checked, Report, Verdict},
    together::Pair,
};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

use super::{json::docs, pair::name_of, story, words, words::Words};

/// All reports as one document.
#[must_use]
pub fn render(reports: &[Report]) -> String {
    let mut out = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Nothing can fail in memory.
    let written = document(&mut out, reports).map(|()| out.into_inner());
    let mut text = written.ok().and_then(|xml| String::from_utf8(xml).ok()).unwrap_or_default();
    text.push('\n');
    text
}

type Xml = Writer<Vec<u8>>;

/// How one test ended.
enum Outcome {
    Pass,
    Skipped(String),
    /// It does not work.
    Failure(Told),
    /// It could not be found out.
    Error(Told),
}

struct Told {
    kind: String,
    message: String,
    text: String,
}

struct Test {
    name: &'static str,
    ms: u64,
    outcome: Outcome,
    output: String,
}

fn document(out: &mut Xml, reports: &[Report]) -> io::Result<()> {
    out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    // Of a pair, one report decides, and what the parts are about is in their names.
    let pair = Pair::of(reports);
    let suite_of = |report| (report, name_of(pair, report), tests(report, pair));
    let suites: Vec<_> = reports.iter().map(suite_of).collect();
    let all = || suites.iter().flat_map(|(_, _, tests)| tests);
    let root = out
        .create_element("testsuites")
        .with_attribute(("name", "ssh-preflight"))
        .with_attribute(("tests", all().count().to_string().as_str()))
        .with_attribute(("failures", count(all(), is_failure).as_str()))
        .with_attribute(("errors", count(all(), is_error).as_str()));
    root.write_inner_content(|out| {
        suites.iter().try_for_each(|(report, name, tests)| {
            let decides = pair.is_none_or(|pair| pair.decides(report));
            suite(out, report, name, tests, decides)
        })
    })?;
    Ok(())
}

fn is_failure(test: &Test) -> bool {
    matches!(test.outcome, Outcome::Failure(_))
}
fn is_error(test: &Test) -> bool {
    matches!(test.outcome, Outcome::Error(_))
}
fn is_skipped(test: &Test) -> bool {
    matches!(test.outcome, Outcome::Skipped(_))
}
fn count<'t>(tests: impl Iterator<Item = &'t Test>, of: fn(&Test) -> bool) -> String {
    tests.filter(|test| of(test)).count().to_string()
}

fn suite(
    out: &mut Xml,
    report: &Report,
    name: &str,
    tests: &[Test],
    decides: bool,
) -> io::Result<()> {
    let target = xml(name);
    let started = report.case.started_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let element = out
        .create_element("testsuite")
        .with_attribute(("name", target.as_str()))
        .with_attribute(("tests", tests.len().to_string().as_str()))
        .with_attribute(("failures", count(tests.iter(), is_failure).as_str()))
        .with_attribute(("errors", count(tests.iter(), is_error).as_str()))
        .with_attribute(("skipped", count(tests.iter(), is_skipped).as_str()))
        .with_attribute(("time", seconds(report.duration_ms).as_str()))
        .with_attribute(("timestamp", started.as_str()));
    element.write_inner_content(|out| {
        if decides {
            properties(out, report)?;
        }
        // Readers take what is before a dot for a package, so that a host name would be torn.
        let class = format!("ssh-preflight.{}", target.replace('.', "_"));
        tests.iter().try_for_each(|test| case(out, &class, test))
    })?;
    Ok(())
}

fn properties(out: &mut Xml, report: &Report) -> io::Result<()> {
    let (verdict, _) = words::verdict(report.verdict);
    let id = report.diagnosis.as_ref().map(|d| d.id.to_string());
    let docs = report.diagnosis.as_ref().map(|d| docs(d.id));
    let all = [("verdict", Some(verdict.to_owned())), ("diagnosis", id), ("docs", docs)];
    out.create_element("properties").write_inner_content(|out| {
        for (name, value) in all {
            if let Some(value) = value {
                let property = out.create_element("property").with_attribute(("name", name));
                property.with_attribute(("value", value.as_str())).write_empty()?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

fn case(out: &mut Xml, class: &str, test: &Test) -> io::Result<()> {
    let element = out
        .create_element("testcase")
        .with_attribute(("classname", class))
        .with_attribute(("name", test.name))
        .with_attribute(("time", seconds(test.ms).as_str()));
    let told = |out: &mut Xml, name: &str, told: &Told| {
        let element = out.create_element(name).with_attribute(("type", told.kind.as_str()));
        let element = element.with_attribute(("message", xml(&told.message).as_str()));
        element.write_text_content(BytesText::new(&xml(&told.text))).map(|_| ())
    };
    if matches!(test.outcome, Outcome::Pass) && test.output.is_empty() {
        return element.write_empty().map(|_| ());
    }
    element.write_inner_content(|out| {
        match &test.outcome {
            Outcome::Pass => {}
            Outcome::Skipped(why) => {
                let skipped = out.create_element("skipped");
                skipped.with_attribute(("message", xml(why).as_str())).write_empty()?;
            }
            Outcome::Failure(why) => told(out, "failure", why)?,
            Outcome::Error(why) => told(out, "error", why)?,
        }
        if !test.output.is_empty() {
            let text = xml(&test.output);
            out.create_element("system-out").write_text_content(BytesText::new(&text))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// The verdict comes first: it says what the failures below have in common.
fn tests(report: &Report, pair: Option<Pair<'_>>) -> Vec<Test> {
    let words = Words::of(report);
    let decides = pair.is_none_or(|pair| pair.decides(report));
    let headline = pair.map_or_else(|| words.headline(report).0, super::pair::headline);
    let story = match pair {
        Some(pair) if decides => story::of_pair(pair),
        // The whole is told once.
        Some(_) => headline.clone(),
        None => story::of(report),
    };
    let id = report.diagnosis.as_ref().map(|d| d.id.to_string());
    let kind = id.unwrap_or_default();
    let told = || Told { kind: kind.clone(), message: headline.clone(), text: story.clone() };
    let (outcome, output) = match report.verdict {
        // With checks left out, nobody may take it for a promise that ssh gets in.
        Verdict::Ready if !report.is_complete() => (Outcome::Skipped(headline), String::new()),
        Verdict::Ready => (Outcome::Pass, story.clone()),
        Verdict::NotReady => (Outcome::Failure(told()), String::new()),
        Verdict::Inconclusive => (Outcome::Error(told()), String::new()),
    };
    let verdict = Test { name: "Verdict", ms: report.duration_ms, outcome, output };
    let checks = report.checks.iter().map(|checked| of_check(checked, &words, &story));
    Some(verdict).filter(|_| decides).into_iter().chain(checks).collect()
}

fn of_check(checked: &Checked, words: &Words<'_>, story: &str) -> Test {
    let finding = &checked.finding;
    let summary = words.plain(&finding.summary);
    let behind = story::behind(finding, words);
    let mut output = String::new();
    let outcome = match finding.status {
        Status::Pass => Outcome::Pass,
        Status::Warn => {
            output = format!("Warning: {summary}\n{behind}").trim_end().to_owned();
            Outcome::Pass
        }
        Status::Skip => Outcome::Skipped(summary),
        // Who opens the failed test finds the cause and the next step in it.
        Status::Fail => Outcome::Failure(Told {
            kind: checked.about.id.to_owned(),
            text: format!("{summary}\n{behind}\n\n{story}").replace("\n\n\n", "\n\n"),
            message: summary,
        }),
    };
    Test { name: checked.about.title, ms: checked.duration_ms, outcome, output }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// XML 1.0 has no way to write some characters, escaped or not (section 2.2). Controls were made
/// visible before; what is left are noncharacters, made visible in the same way.
fn xml(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'.. => out.push(c),
            _ => out.extend(c.escape_unicode()),
        }
        out
    })
}

#[cfg(test)]
mod tests_of_letters {
    #[test]
    fn what_xml_cannot_write_is_made_visible() {
        assert_eq!(super::xml("a\u{0}\u{1b}\u{fffe}\tb\u{1f600}"), "a\\u{0}\\u{1b}\\u{fffe}\tb😀");
        assert_eq!(super::seconds(61_005), "61.005");
    }
}
