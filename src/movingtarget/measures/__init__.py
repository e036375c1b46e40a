"""The measurements, one a file, on any torch module where that makes sense."""
