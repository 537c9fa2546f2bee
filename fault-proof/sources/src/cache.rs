//! A cache bounded by the size of what it holds.
//!
//! **Invariant:** the sum of the sizes stays within the limit; what is larger than all of it is not kept.

use lru::LruCache;
use std::{
    fmt,
    hash::Hash,
    ops::Add,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// See the module. Usable from several tasks; the lock is held for a look-up.
pub(crate) struct Cache<K: Hash + Eq, V> {
    inner: Mutex<Inner<K, V>>,
    limit: usize,
}

struct Inner<K: Hash + Eq, V> {
    entries: LruCache<K, (V, usize)>,
    size: usize,
    counters: CacheCounters,
}

/// How often something was looked for, and found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounters {
    /// Looked for and found.
    pub hits: u64,
    /// Looked for and not there.
    pub misses: u64,
}

impl Add for CacheCounters {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { hits: self.hits + other.hits, misses: self.misses + other.misses }
    }
}

impl<K: Hash + Eq, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        write!(f, "Cache({} entries, {} of {})", inner.entries.len(), inner.size, self.limit)
    }
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    pub(crate) fn new(limit: usize) -> Self {
        let (entries, counters) = (LruCache::unbounded(), CacheCounters::default());
        let inner = Inner { entries, size: 0, counters };
        Self { inner: Mutex::new(inner), limit }
    }

    pub(crate) fn read(&self, key: &K) -> Option<V> {
        let mut inner = self.lock();
        let value = inner.entries.get(key).map(|(value, _)| value.clone());
        let counter = match value {
            Some(_) => &mut inner.counters.hits,
            None => &mut inner.counters.misses,
        };
        *counter += 1;
        value
    }

    pub(crate) fn insert(&self, key: K, value: V, size: usize) {
        if size > self.limit {
            return;
        }
        let mut inner = self.lock();
        if let Some((_, old)) = inner.entries.put(key, (value, size)) {
            inner.size -= old;
        }
        inner.size += size;
        while inner.size > self.limit {
            let Some((_, (_, oldest))) = inner.entries.pop_lru() else { break };
            inner.size -= oldest;
        }
    }
}

impl<K: Hash + Eq, V> Cache<K, V> {
    pub(crate) fn counters(&self) -> CacheCounters {
        self.lock().counters
    }

    fn lock(&self) -> MutexGuard<'_, Inner<K, V>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_sizes_is_bounded_and_the_oldest_goes_first() {
        let cache = Cache::new(10);
        cache.insert(1, "a", 4);
        cache.insert(2, "b", 4);
        assert_eq!(cache.read(&1), Some("a"));
        cache.insert(3, "c", 4);
        assert_eq!([1, 2, 3].map(|key| cache.read(&key)), [Some("a"), None, Some("c")]);
        cache.insert(3, "d", 9);
        assert_eq!([1, 3].map(|key| cache.read(&key)), [None, Some("d")]);
        cache.insert(4, "e", 11);
        assert_eq!(cache.read(&4), None);
        assert_eq!(format!("{cache:?}"), "Cache(1 entries, 9 of 10)");
        assert_eq!(cache.counters(), CacheCounters { hits: 4, misses: 3 });
    }
}
