//! Long tables as Apache Parquet: one row group per file, Snappy, every column optional.

use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::columns::{Kind, LongTable, Source, Value};
use super::internal;
use crate::document::analysis::Analysis;
use crate::error::Result;

/// Written into the files; the crate's own would change with its version.
const CREATED_BY: &str = concat!("docproc ", env!("CARGO_PKG_VERSION"));

/// The rows of one document.
pub fn file(table: &LongTable, analysis: &Analysis, output: &Path) -> Result<Vec<u8>> {
    let output = output.to_string_lossy();
    let mut rows: Vec<Vec<Value<'_>>> = Vec::new();
    (table.rows)(Source { analysis, output: &output }, &mut |row| rows.push(row));
    write(table, &rows).map_err(|error| internal("cannot write Parquet", error))
}

fn write(table: &LongTable, rows: &[Vec<Value<'_>>]) -> Result<Vec<u8>, ParquetError> {
    let fields = table.columns.iter().map(|column| {
        let (physical, logical) = match column.kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Integer => (Physical::INT64, None),
            Kind::Number => (Physical::DOUBLE, None),
            Kind::Truth => (Physical::BOOLEAN, None),
        };
        let field = Type::primitive_type_builder(column.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()?;
        Ok(Arc::new(field))
    });
    let fields = fields.collect::<Result<Vec<_>, ParquetError>>()?;
    let schema = Arc::new(Type::group_type_builder(table.name).with_fields(fields).build()?);
    let meanings: serde_json::Map<String, serde_json::Value> =
        table.columns.iter().map(|column| (column.name.to_owned(), column.meaning.into())).collect();
    let about = [
        ("docproc.row", table.meaning.to_owned()),
        ("docproc.columns", serde_json::Value::Object(meanings).to_string()),
    ];
    let about = about.map(|(key, value)| KeyValue::new(key.to_owned(), value)).to_vec();
    let properties = WriterProperties::builder()
        .set_key_value_metadata(Some(about))
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    if !rows.is_empty() {
        let mut group = writer.next_row_group()?;
        let mut index = 0;
        while let Some(mut column) = group.next_column()? {
            let values = rows.iter().map(|row| &row[index]);
            match table.columns[index].kind {
                Kind::Text => put::<ByteArrayType>(&mut column, values, |value| match value {
                    Value::Text(text) => Some(ByteArray::from(text.as_bytes().to_vec())),
                    _ => None,
                }),
                Kind::Integer => put::<Int64Type>(&mut column, values, |value| match value {
                    Value::Integer(number) => Some(*number),
                    _ => None,
                }),
                Kind::Number => put::<DoubleType>(&mut column, values, |value| match value {
                    Value::Number(number) => Some(*number),
                    _ => None,
                }),
                Kind::Truth => put::<BoolType>(&mut column, values, |value| match value {
                    Value::Truth(truth) => Some(*truth),
                    _ => None,
                }),
            }?;
            column.close()?;
            index += 1;
        }
        group.close()?;
    }
    writer.into_inner()
}

/// Writes a column: the values that are there, and for each row whether it has one.
fn put<'v, T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    values: impl Iterator<Item = &'v Value<'v>>,
    of: impl Fn(&Value<'_>) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let (mut present, mut levels) = (Vec::new(), Vec::new());
    for value in values {
        let of_kind = of(value);
        debug_assert!(of_kind.is_some() || *value == Value::None, "{value:?} is not of its column's kind");
        levels.push(i16::from(of_kind.is_some()));
        present.extend(of_kind);
    }
    column.typed::<T>().write_batch(&present, Some(&levels), None)?;
    Ok(())
}
