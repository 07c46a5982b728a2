//! A request with placeholders. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::rows::Row;

/// A request with placeholders in its texts.
#[derive(Debug)]
pub(super) struct Template {
    request: Vec<(String, Filling)>,
}

/// A value of a template.
#[derive(Debug)]
enum Filling {
    Fixed(Value),
    /// A placeholder and nothing else: becomes the value itself.
    Whole(String),
    Text(Vec<Piece>),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

#[derive(Debug, PartialEq)]
enum Piece {
    Literal(String),
    Column(String),
}

impl Template {
    /// Takes a request for a template.
    pub(super) fn of(request: Map<String, Value>) -> Result<Self, String> {
        if !request.get("url").is_some_and(Value::is_string) {
            return Err("the template has no url, such as \"/v1/chat/completions\"".to_owned());
        }
        if !request.get("body").is_some_and(Value::is_object) {
            return Err("the template has no body, which should be an object: the request itself".to_owned());
        }
        let mut all = Map::new();
        // Those that batches begin with stand first, also where the template has them not.
        for name in ["custom_id", "method", "url", "body"] {
            let default = if name == "method" { "POST".into() } else { Value::Null };
            all.insert(name.to_owned(), request.get(name).cloned().unwrap_or(default));
        }
        for (name, value) in request {
            all.insert(name, value);
        }
        let filling = |(name, value)| Ok((name, Filling::read(value)?));
        Ok(Self { request: all.into_iter().map(filling).collect::<Result<_, String>>()? })
    }

    /// Holds placeholders against the columns that there are.
    pub(super) fn check(&self, columns: &[String]) -> Result<(), String> {
        let mut used = BTreeSet::new();
        self.request.iter().for_each(|(_, filling)| filling.columns(&mut used));
        match used.into_iter().find(|name| !columns.iter().any(|column| column == name)) {
            Some(name) => Err(unknown(name, columns.iter().map(String::as_str))),
            None => Ok(()),
        }
    }

    /// The request of a row, with its name. Rows are counted from 1.
    pub(super) fn fill(&self, row: &Row, number: usize) -> Result<(String, String), String> {
        let mut request = Map::new();
        for (name, filling) in &self.request {
            request.insert(name.clone(), filling.fill(row)?);
        }
        let name = match &request["custom_id"] {
            Value::Null => format!("row-{number}"),
            Value::String(name) if name.is_empty() => {
                return Err("custom_id is empty; it names the result".to_owned());
            }
            Value::String(name) => name.clone(),
            Value::Number(number) => number.to_string(),
            other @ (Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(format!("custom_id is {other}; it should be a text"));
            }
        };
        request["custom_id"] = name.clone().into();
        Ok((name, Value::Object(request).to_string()))
    }
}

impl Filling {
    fn read(value: Value) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => {
                let mut pieces = pieces(&text)?;
                match &mut pieces[..] {
                    [Piece::Column(name)] => Self::Whole(std::mem::take(name)),
                    _ => Self::Text(pieces),
                }
            }
            Value::Array(items) => Self::List(items.into_iter().map(Self::read).collect::<Result<_, _>>()?),
            Value::Object(fields) => {
                let read = |(name, value)| Ok((name, Self::read(value)?));
                Self::Object(fields.into_iter().map(read).collect::<Result<_, String>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Fixed(value),
        })
    }

    fn columns<'a>(&'a self, to: &mut BTreeSet<&'a str>) {
        match self {
            Self::Fixed(_) => {}
            Self::Whole(name) => _ = to.insert(name),
            Self::Text(pieces) => to.extend(pieces.iter().filter_map(|piece| match piece {
                Piece::Column(name) => Some(name.as_str()),
                Piece::Literal(_) => None,
            })),
            Self::List(items) => items.iter().for_each(|item| item.columns(to)),
            Self::Object(fields) => fields.iter().for_each(|(_, value)| value.columns(to)),
        }
    }

    fn fill(&self, row: &Row) -> Result<Value, String> {
        let value = |name: &str| row.get(name).ok_or_else(|| unknown(name, row.keys().map(String::as_str)));
        Ok(match self {
            Self::Fixed(value) => value.clone(),
            Self::Whole(name) => value(name)?.clone(),
            Self::Text(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Literal(literal) => text += literal,
                        Piece::Column(name) => match value(name)? {
                            Value::String(value) => text += value,
                            Value::Null => {}
                            other @ (Value::Bool(_)
                            | Value::Number(_)
                            | Value::Array(_)
                            | Value::Object(_)) => {
                                text += &other.to_string();
                            }
                        },
                    }
                }
                text.into()
            }
            Self::List(items) => items.iter().map(|item| item.fill(row)).collect::<Result<_, _>>()?,
            Self::Object(fields) => {
                let fill = |(name, value): &(String, Self)| Ok((name.clone(), value.fill(row)?));
                Value::Object(fields.iter().map(fill).collect::<Result<_, String>>()?)
            }
        })
    }
}

/// A placeholder that stands for nothing, with what may have been meant.
fn unknown<'a>(name: &str, columns: impl Iterator<Item = &'a str> + Clone) -> String {
    let likeness = |column: &&str| strsim::jaro_winkler(column, name);
    match columns.clone().max_by(|a, b| likeness(a).total_cmp(&likeness(b))) {
        Some(nearest) => {
            let all = columns.map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ");
            format!("there is no column `{name}`; is `{nearest}` meant? There are {all}")
        }
        None => format!("there is no column `{name}`, nor any other"),
    }
}

/// Cuts a text at its placeholders.
fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut literal) = (Vec::new(), String::new());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        literal += &rest[..at];
        let (brace, after) = rest[at..].split_at(1);
        if let Some(after) = after.strip_prefix(brace) {
            literal += brace;
            rest = after;
            continue;
        }
        let end = after.find('}').filter(|_| brace == "{").ok_or_else(|| {
            format!(
                "a single {brace} in {text:?}; a brace that is meant is doubled, a placeholder is {{column}}"
            )
        })?;
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Column(after[..end].trim().to_owned()));
        rest = &after[end + 1..];
    }
    literal += rest;
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_are_doubled_and_columns_are_not() {
        let literal = |text: &str| Piece::Literal(text.to_owned());
        let column = |name: &str| Piece::Column(name.to_owned());
        assert_eq!(pieces("a {b} {{c}}").unwrap(), [literal("a "), column("b"), literal(" {c}")]);
        assert_eq!(pieces("{b}{c}").unwrap(), [column("b"), column("c")]);
        assert!(pieces("a } b").is_err() && pieces("a {b").is_err());
    }
}
