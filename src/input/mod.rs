//! Files to pages: discovery, page workers and their supervisor, pdfium, images, OCR, words.
