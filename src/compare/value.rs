//! Reads facts out of the evidence of a report, as a list of words each.

use checks::text::{Text, address, foreign, key, path};
use serde_json::Value;

use super::read::Reported;

/// A value in words; none where the report does not know it.
pub type Known = Option<Vec<Item>>;

/// One of the things of which a value consists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is about, where each thing is only compared with the same one in the other report.
    pub about: Option<String>,
    /// The whole of it.
    pub text: Text,
}

impl From<Text> for Item {
    fn from(text: Text) -> Self {
        Self { about: None, text }
    }
}

impl Item {
    /// What is said about a thing of this name.
    pub fn about(name: &str, text: Text) -> Self {
        Self { about: Some(name.to_owned()), text }
    }
}

/// The list in a value.
pub fn list(value: Option<&Value>) -> Option<&[Value]> {
    value?.as_array().map(Vec::as_slice)
}

/// A word in a value: of a variant that holds something, its name.
pub fn word(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.as_object()?.keys().next().map(String::as_str))
}

/// Text in a field.
pub fn field<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str()
}

/// The words in a list, each made by `make`. A list in which something is not understood is not
/// known.
pub fn words(values: Option<&[Value]>, make: impl Fn(&Value) -> Option<Text>) -> Known {
    values?.iter().map(|value| make(value).map(Item::from)).collect()
}

/// A file.
pub fn file(value: &Value) -> Option<Text> {
    Some(path(without_chance(value.as_str()?)).into())
}

/// A path without the letters that `mktemp` gave to the folder of `ci/with-key.sh`: each job of a CI has
/// others.
fn without_chance(path: &str) -> String {
    const FOLDER: &str = "with-key.";
    let part = |part: &str| match part.strip_prefix(FOLDER) {
        Some(_) => format!("{FOLDER}*"),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// An address.
pub fn an_address(value: &Value) -> Option<Text> {
    Some(address(value.as_str()?).into())
}

/// A word of a server or a file.
pub fn any(value: &Value) -> Option<Text> {
    match value {
        Value::String(word) => Some(foreign(word).into()),
        Value::Null => None,
        other => Some(foreign(other.to_string()).into()),
    }
}

/// A key: its type and fingerprint, and whether it is a certificate.
pub fn a_key(value: &Value) -> Option<Text> {
    let mut words = checks::text![foreign(field(value, "/algorithm")?), " "];
    words = words.with(key(field(value, "/sha256")?));
    if let Some(certificate) = value.get("certificate").filter(|c| !c.is_null()) {
        // Another certificate for the same key is another one.
        let until = field(certificate, "/valid_before").unwrap_or("forever");
        words = words.with(", certificate until ").with(foreign(until));
    }
    Some(words)
}

/// A key that would be offered, with its file.
pub fn an_offer(value: &Value) -> Option<Text> {
    let words = a_key(value.get("key")?)?;
    Some(match (field(value, "/path"), value.get("in_agent").and_then(Value::as_bool)) {
        (Some(file), Some(true)) => words.with(", ").with(path(file)).with(" (in the agent)"),
        (Some(file), _) => words.with(", ").with(path(file)),
        (None, _) => words.with(", in the agent"),
    })
}

/// One thing, where it is known.
pub fn one(words: Option<Text>) -> Known {
    Some(vec![words?.into()])
}

/// A word of a fact.
pub fn word_of(report: &Reported, check: &str, name: &str) -> Option<Text> {
    Some(foreign(word(report.fact(check, name)?)?).into())
}
