//! Workflow commands of GitHub Actions: the report as annotations of a run.
//!
//! GitHub reads every line of the log for commands. So each of our lines is one command, and line
//! breaks inside are escaped: nothing that a server sends stands at the begin of a line.

use checks::{
    report::{Report, Verdict},
    together::Pair,
};

use super::{markdown, story, words, words::Words};

/// How large a step summary may be: GitHub refuses one of more than a mebibyte.
const SUMMARY_LIMIT: usize = 1_000_000;

/// A command for each verdict, and one for each warning.
#[must_use]
pub fn render(reports: &[Report]) -> String {
    let mut out = String::new();
    let pair = Pair::of(reports);
    for report in reports {
        // Of a pair, one report decides; the others have warnings.
        let decides = pair.is_none_or(|pair| pair.decides(report));
        let target = words::input(report);
        // The job fails in both cases that are not ready, and people look for the reason.
        let level = match report.verdict {
            Verdict::Ready => "notice",
            Verdict::NotReady | Verdict::Inconclusive => "error",
        };
        if decides {
            let (headline, story) = match pair {
                Some(pair) => (super::pair::headline(pair), story::of_pair(pair)),
                None => (Words::of(report).headline(report).0, story::of(report)),
            };
            let more = story.strip_prefix(&headline).unwrap_or(&story).trim();
            out.push_str(&command(level, &headline, &format!("{target}\n\n{more}")));
        }
        for warning in words::warnings(report) {
            let words = Words::of(report);
            let summary = words.plain(&warning.finding.summary);
            let behind = story::behind(&warning.finding, &words);
            let title = format!("{} of {target}", warning.about.title);
            out.push_str(&command("warning", &title, &format!("{summary}\n{behind}")));
        }
    }
    out
}

/// The page that GitHub shows for a step, as Markdown.
#[must_use]
pub fn summary(reports: &[Report]) -> String {
    if let Some(pair) = Pair::of(reports) {
        return markdown::render_pair(pair);
    }
    let mut out = String::new();
    for (place, report) in reports.iter().enumerate() {
        let page = markdown::page(report);
        if out.len() + page.len() > SUMMARY_LIMIT {
            let left = reports.len() - place;
            out.push_str(&format!("\nThere is no room here for {left} more of the targets.\n"));
            break;
        }
        if !out.is_empty() {
            out.push_str("\n---\n\n");
        }
        out.push_str(&page);
    }
    out.push('\n');
    out
}

fn command(level: &str, title: &str, message: &str) -> String {
    format!("::{level} title={}::{}\n", property(title), data(message.trim_end()))
}

/// As GitHub's own toolkit escapes it. The older form of a command (`##[…]`) is read anywhere in a
/// line, so it is broken up.
fn data(text: &str) -> String {
    let text = text.replace("##[", "# #[");
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_text_stays_in_its_line_and_its_property() {
        let written = super::command("error", "a:b,c\n::x", "50%\r\n::error::##[error]");
        assert_eq!(written, "::error title=a%3Ab%2Cc%0A%3A%3Ax::50%25%0D%0A::error::# #[error]\n");
    }
}
