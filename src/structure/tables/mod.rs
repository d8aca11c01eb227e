//! Tables from words, rulings and layout blocks.

mod columns;
pub mod evaluate;
mod grid;
mod header;
mod lines;
mod rows;

pub use grid::{Grid, GridCell, find_grid};
