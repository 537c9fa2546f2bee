//! Which slot holds the page of a number: a radix tree over the 52 bits of page numbers.
//!
//! **Invariant:** one page costs at most five nodes of 2 KiB, however far apart hostile pages lie.

/// Slot of each page, by number.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Node 0 is the root. In inner nodes an entry is the child's index, in the lowest the slot plus one; 0 is none.
    nodes: Vec<[u32; FAN]>,
}

const FAN: usize = 1 << FAN_BITS;
const FAN_BITS: u32 = 9;
/// Levels from the root down by the bits below them; the root has seven bits, the others nine.
const INNER_LEVELS: [u32; 5] = [45, 36, 27, 18, 9];

impl Table {
    pub(super) fn new() -> Self {
        Self { nodes: vec![[0; FAN]] }
    }

    /// The slot of a page.
    pub(super) fn find(&self, number: u64) -> Option<u32> {
        let mut node = self.nodes.first()?;
        for shift in INNER_LEVELS {
            let child = *node.get(digit(number, shift))?;
            if child == 0 {
                return None;
            }
            node = self.nodes.get(index(child))?;
        }
        node.get(digit(number, 0))?.checked_sub(1)
    }

    /// Enters a page; `None` if the table is full.
    pub(super) fn insert(&mut self, number: u64, slot: u32) -> Option<()> {
        let mut node = 0;
        for shift in INNER_LEVELS {
            let fresh = u32::try_from(self.nodes.len()).ok()?;
            let child = self.nodes.get_mut(node)?.get_mut(digit(number, shift))?;
            if *child == 0 {
                *child = fresh;
                node = index(fresh);
                self.nodes.push([0; FAN]);
            } else {
                node = index(*child);
            }
        }
        *self.nodes.get_mut(node)?.get_mut(digit(number, 0))? = slot.checked_add(1)?;
        Some(())
    }
}

const fn digit(number: u64, shift: u32) -> usize {
    (number.wrapping_shr(shift) & 0x1ff) as usize
}

/// A 32-bit index as a slice index.
pub(super) const fn index(value: u32) -> usize {
    value as usize
}
