//! A CSV file as a source.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// A CSV file and its columns.
#[derive(Debug, Clone, PartialEq)]
pub struct CsvSettings {
    /// The file; its first line names the columns.
    pub path: PathBuf,
    /// The columns, by quantity.
    pub columns: BTreeMap<String, Column>,
    /// Whether it begins again at its end.
    pub repeat: bool,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its title in the first line; that of the quantity if left out.
    pub name: Option<String>,
    /// The unit as SenML spells it.
    #[serde(default)]
    pub unit: String,
}

/// Checks what a table says.
pub(super) fn check(
    path: Option<PathBuf>,
    columns: BTreeMap<String, Column>,
    repeat: Option<bool>,
) -> Result<CsvSettings, String> {
    let path = path.ok_or("`path` is missing: the CSV file")?;
    match columns.is_empty() {
        true => Err("`column` is missing, such as column.temperature = { name = \"t_air\", unit = \"Cel\" }".into()),
        false => Ok(CsvSettings { path, columns, repeat: repeat.unwrap_or(false) }),
    }
}
