//! What units hold where.
//!
//! A report says once that its amounts are in millions and means a hundred pages. [`Scopes`] finds such statements and what
//! they cover, [`Evidence`] weighs them for a table that states none of its own against what the document's other
//! tables say, and `subject` tells what a number counts, because shares, employees and percentages keep their own scale.

mod evidence;
mod scopes;
mod subject;

pub(crate) use evidence::{Evidence, Resolved};
pub use scopes::Scopes;
pub(super) use subject::{LabelUnit, header_unit, label_unit, names_measure, subject};
