//! Precompiles, some of which a request may have moved or replaced by an account.
//!
//! **Invariant:** at the old address of a moved precompile there is an ordinary account.

use super::environment::{Environment, Kind};
use alloy_primitives::Address;
use revm::context_interface::{Cfg, ContextTr};
use revm::handler::PrecompileProvider;
use revm::interpreter::{CallInputs, InterpreterResult};
use revm::precompile::{PrecompileSpecId, Precompiles};
use std::collections::{BTreeMap, BTreeSet};

/// Which precompiles are not where they belong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moves {
    /// New address to old address.
    pub(crate) origins: BTreeMap<Address, Address>,
    /// Addresses that hold none any more.
    pub(crate) gone: BTreeSet<Address>,
}

impl Moves {
    /// Everything is in its place.
    pub(crate) const fn none() -> Self {
        Self { origins: BTreeMap::new(), gone: BTreeSet::new() }
    }

    fn is_none(&self) -> bool {
        self.origins.is_empty() && self.gone.is_empty()
    }

    /// Where the precompile that is called at `address` belongs; `None` = there is none any more.
    fn origin(&self, address: &Address) -> Option<Address> {
        if let Some(origin) = self.origins.get(address) {
            return Some(*origin);
        }
        (!self.gone.contains(address)).then_some(*address)
    }
}

/// The addresses of the precompiles of these rules.
pub(crate) fn addresses(environment: &Environment) -> BTreeSet<Address> {
    match environment.kind {
        Kind::L1 { spec, .. } => {
            let set = Precompiles::new(PrecompileSpecId::from_spec_id(spec));
            set.addresses().copied().collect()
        }
        Kind::L2(rules) => opal_execute::precompile_addresses(rules.fork).collect(),
    }
}

/// A set of precompiles with some of them moved.
#[derive(Debug)]
pub(crate) struct Moved<'a, P> {
    pub(crate) inner: P,
    pub(crate) moves: &'a Moves,
}

impl<C, P> PrecompileProvider<C> for Moved<'_, P>
where
    C: ContextTr,
    P: PrecompileProvider<C, Output = InterpreterResult>,
{
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: <C::Cfg as Cfg>::Spec) -> bool {
        self.inner.set_spec(spec)
    }

    fn run(
        &mut self,
        context: &mut C,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        if self.moves.is_none() {
            return self.inner.run(context, inputs);
        }
        match self.moves.origin(&inputs.bytecode_address) {
            None => Ok(None),
            Some(origin) if origin == inputs.bytecode_address => self.inner.run(context, inputs),
            Some(origin) => {
                let inputs = CallInputs { bytecode_address: origin, ..inputs.clone() };
                self.inner.run(context, &inputs)
            }
        }
    }

    fn warm_addresses(&self) -> Box<impl Iterator<Item = Address>> {
        Box::new(self.inner.warm_addresses().chain(self.moves.origins.keys().copied()))
    }

    fn contains(&self, address: &Address) -> bool {
        self.moves.origin(address).is_some_and(|origin| self.inner.contains(&origin))
    }
}
