//! Token ids and pixels to typed predictions: layout and text.
