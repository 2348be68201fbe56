//! What the sources that are read from front to back share: which rows are wanted, one file after the other, and a cap on
//! the bytes of one record.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::path::File;
use super::{Error, Row, Value};

/// The longest record that is read, in bytes.
pub(super) const MAX_RECORD_BYTES: u64 = 256 << 20;

/// Cells by column.
pub(super) type Cells = Vec<(Arc<str>, Value)>;

/// The records of one file.
pub(super) trait Records: Send {
    /// Where relative paths in them start from.
    fn folder(&self) -> Arc<Path>;

    /// The next record, `None` behind the last one: its place, and its cells unless it is passed over.
    fn next(&mut self, is_wanted: bool) -> Result<Option<(String, Cells)>, Error>;
}

/// Which rows are wanted, asked in ascending order.
#[derive(Clone, Debug)]
pub(super) struct Picker {
    rows: Option<Arc<[u64]>>,
    at: usize,
}

impl Picker {
    pub(super) fn new(rows: Option<&Arc<[u64]>>) -> Self {
        Self { rows: rows.cloned(), at: 0 }
    }

    /// The first wanted row at or behind `number`; moves on to it.
    pub(super) fn seek(&mut self, number: u64) -> Option<u64> {
        let Some(rows) = &self.rows else { return Some(number) };
        while rows.get(self.at).is_some_and(|row| *row < number) {
            self.at += 1;
        }
        rows.get(self.at).copied()
    }

    /// How many of the rows from `number` on are wanted without a gap, at most `most`.
    pub(super) fn run(&self, number: u64, most: u64) -> u64 {
        let Some(rows) = &self.rows else { return most };
        let from = rows.get(self.at..).unwrap_or_default();
        (number..number + most).zip(from).take_while(|(number, row)| number == *row).count() as u64
    }
}

/// The rows of several files, one after the other.
pub(super) struct Chain<R, F> {
    files: std::vec::IntoIter<File>,
    open: F,
    current: Option<(R, Arc<Path>)>,
    number: u64,
    picker: Picker,
}

impl<R: Records, F: FnMut(&File) -> Result<R, Error>> Chain<R, F> {
    pub(super) fn new(files: Vec<File>, picker: Picker, open: F) -> Self {
        Self { files: files.into_iter(), open, current: None, number: 0, picker }
    }

    fn step(&mut self) -> Result<Option<Row>, Error> {
        while let Some(wanted) = self.picker.seek(self.number) {
            if self.current.is_none() {
                let Some(file) = self.files.next() else { return Ok(None) };
                let records = (self.open)(&file)?;
                let folder = records.folder();
                self.current = Some((records, folder));
            }
            let Some((records, folder)) = &mut self.current else { return Ok(None) };
            let is_wanted = wanted == self.number;
            match records.next(is_wanted)? {
                None => self.current = None,
                Some((place, cells)) => {
                    let number = self.number;
                    self.number += 1;
                    if is_wanted {
                        return Ok(Some(Row { number, place, folder: Arc::clone(folder), cells }));
                    }
                }
            }
        }
        Ok(None)
    }
}

impl<R: Records, F: FnMut(&File) -> Result<R, Error>> Iterator for Chain<R, F> {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.step().transpose();
        if !matches!(row, Some(Ok(_))) {
            self.files = Vec::new().into_iter();
            self.current = None;
            self.picker = Picker { rows: Some(Arc::from([])), at: 0 };
        }
        row
    }
}

/// A reader that stops where its budget does: no header or quote may take a file of any size into memory.
pub(super) struct Capped<R> {
    pub(super) reader: R,
    /// Bytes that may still be read.
    pub(super) left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(too_long)?;
        Ok(count)
    }
}

/// What a reader says whose budget is spent.
pub(super) fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "a record is too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_picked_in_runs() {
        let mut picker = Picker::new(Some(&Arc::from([2, 3, 4, 9])));
        assert_eq!(picker.seek(0), Some(2));
        assert_eq!((picker.run(2, 10), picker.run(2, 2)), (3, 2));
        assert_eq!((picker.seek(5), picker.run(9, 10)), (Some(9), 1));
        assert_eq!(picker.seek(10), None);
        assert_eq!(Picker::new(None).run(7, 10), 10);
    }

    #[test]
    fn a_record_over_its_budget_is_an_error() {
        let mut reader = Capped { reader: io::repeat(b'x'), left: 5 };
        let mut buffer = [0; 4];
        assert_eq!(reader.read(&mut buffer).expect("within"), 4);
        assert!(reader.read(&mut buffer).is_err());
    }
}
