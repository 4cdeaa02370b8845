//! A recording comes from somebody else: whatever stands in it, it is judged and shown without a
//! panic, without anything that a terminal obeys, and in the published form.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is a test")]

use std::sync::LazyLock;

use checks::{case::Case, evidence::Evidence, report::Report};
use clap::ValueEnum;
use proptest::prelude::*;
use serde_json::{Value, json};
use ssh_preflight::{
    cli::Format,
    render::{self, look::Look},
};

static CASES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let read = |file| serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    files.into_iter().map(read).collect()
});

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(include_str!("../docs/report.schema.json")).unwrap();
    jsonschema::validator_for(&schema).unwrap()
});

/// A profile with words in every place that is shown.
static PROFILE: LazyLock<Value> = LazyLock::new(|| {
    let mut profile = checks::profile::built_in("akeneo").unwrap().clone();
    let words = Some("Somebody's words.".to_owned());
    (profile.note, profile.support_address) = (words.clone(), words);
    serde_json::to_value(profile).unwrap()
});

fn judged(case: Case) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(checks::examine(&Evidence::recorded(case), |_| true, |_, _| {}))
}

/// Every place in a value that can be changed.
fn places(value: &Value, here: String, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(field, format!("{here}/{name}"), out);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                places(item, format!("{here}/{n}"), out);
            }
        }
        _ => {}
    }
    out.push(here);
}

fn strange() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!(0)),
        Just(json!(u64::MAX)),
        Just(json!(u32::MAX)),
        Just(json!(65535)),
        Just(json!(-1)),
        Just(json!(true)),
        Just(json!("")),
        Just(json!("\u{1b}[2J\u{202e}\u{0}\n%s'\"`$(id)")),
        Just(json!("x".repeat(5000))),
        Just(json!("::ffff:0.0.0.0")),
        "\\PC{0,20}".prop_map(Value::String),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whatever_stands_in_it(
        case in any::<prop::sample::Index>(),
        has_profile in any::<bool>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), strange()), 1..4),
    ) {
        let mut value = case.get(CASES.as_slice()).clone();
        if has_profile {
            value["plan"]["profile"] = PROFILE.clone();
        }
        for (place, new) in changes {
            let mut all = Vec::new();
            places(&value, String::new(), &mut all);
            let place: &String = place.get(&all);
            *value.pointer_mut(place).unwrap() = new;
        }
        let Ok(case) = serde_json::from_value::<Case>(value) else { return Ok(()) };
        let reports = [judged(case)];
        let obeyed = |page: &str| page.chars().find(|c| *c != '\n' && checks::text::is_obeyed(*c));
        for format in Format::value_variants() {
            for width in [40, 80] {
                let look = Look { width, verbose: true, ..Look::file(true) };
                let page = render::all(*format, &reports, &look, None);
                prop_assert_eq!(obeyed(&page), None, "{:?}: {}", format, page);
            }
        }
        let page = render::json::render(&reports);
        let written: Value = serde_json::from_str(&page).unwrap();
        prop_assert!(SCHEMA.is_valid(&written), "{}", page);
    }
}
