//! Long tables as comma-separated values.

use std::path::Path;

use super::columns::{LongTable, Source, Value};
use super::internal;
use crate::document::analysis::Analysis;
use crate::error::Result;
use crate::output::harmless;

/// The rows of one document: RFC 4180, UTF-8, with a header. A missing value is an empty field.
pub fn file(table: &LongTable, analysis: &Analysis, output: &Path) -> Result<Vec<u8>> {
    let failed = |error: csv::Error| internal("cannot write comma-separated values", error);
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(table.columns.iter().map(|column| column.name)).map_err(failed)?;
    let mut outcome = Ok(());
    let source = Source { analysis, output: &output.to_string_lossy() };
    (table.rows)(source, &mut |values| {
        let fields = values.iter().map(|value| match value {
            Value::Text(text) => harmless(text).into_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Truth(truth) => truth.to_string(),
            Value::None => String::new(),
        });
        if outcome.is_ok() {
            outcome = writer.write_record(fields);
        }
    });
    outcome.map_err(failed)?;
    writer.into_inner().map_err(|error| internal("cannot write comma-separated values", error.into_error()))
}
