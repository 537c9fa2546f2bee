//! Parameters of a call and the table of methods.
//!
//! Start with [`Table`]: a method is a name and a function from [`Arguments`] to a result. Wrong parameters
//! are refused in geth's words.
//!
//! **Invariant:** whatever touches state runs on a thread that may block, and calls into the EVM wait for one
//! of a fixed number of places.

use super::{Api, RpcError};
use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::future::Future;
use std::sync::Arc;

/// Parameters by position.
pub(crate) trait Arguments: Sized + Send + 'static {
    fn read(params: &Params<'_>) -> Result<Self, RpcError>;
}

/// Gives one parameter after the other.
struct Reader<'a> {
    values: Vec<&'a RawValue>,
    next: usize,
}

impl<'a> Reader<'a> {
    fn new(params: &'a Params<'_>) -> Result<Self, RpcError> {
        let values = match params.as_str().map(str::trim) {
            None | Some("" | "null") => Vec::new(),
            Some(text) => {
                serde_json::from_str(text).map_err(|_| RpcError::params("non-array args"))?
            }
        };
        Ok(Self { values, next: 0 })
    }

    fn value<T: DeserializeOwned>(&mut self) -> Result<T, RpcError> {
        let index = self.next;
        self.next += 1;
        match self.values.get(index) {
            Some(value) => serde_json::from_str(value.get())
                .map_err(|error| RpcError::params(format!("invalid argument {index}: {error}"))),
            // Optional parameters are those that null fits.
            None => serde_json::from_str("null").map_err(|_| {
                RpcError::params(format!("missing value for required argument {index}"))
            }),
        }
    }

    fn finish(self) -> Result<(), RpcError> {
        let most = self.next;
        if self.values.len() <= most {
            return Ok(());
        }
        Err(RpcError::params(format!("too many arguments, want at most {most}")))
    }
}

macro_rules! arguments {
    ($($name:ident)*) => {
        impl<$($name: DeserializeOwned + Send + 'static),*> Arguments for ($($name,)*) {
            fn read(params: &Params<'_>) -> Result<Self, RpcError> {
                #[allow(unused_mut, reason = "no parameters, nothing to advance")]
                let mut reader = Reader::new(params)?;
                let values = ($(reader.value::<$name>()?,)*);
                reader.finish()?;
                Ok(values)
            }
        }
    };
}

arguments!();
arguments!(A);
arguments!(A B);
arguments!(A B C);
arguments!(A B C D);
arguments!(A B C D E);

/// Parameters that are not looked at.
#[derive(Debug)]
pub(crate) struct Anything;

impl Arguments for Anything {
    fn read(_params: &Params<'_>) -> Result<Self, RpcError> {
        Ok(Self)
    }
}

/// The methods of a server while they are listed.
pub(crate) struct Table {
    pub(crate) module: RpcModule<Api>,
}

type Reply = Result<Box<RawValue>, ErrorObjectOwned>;
type Listed = Result<(), RegisterMethodError>;

impl Table {
    pub(crate) fn new(api: Api) -> Self {
        Self { module: RpcModule::new(api) }
    }

    /// A method that only looks at what is in memory.
    pub(crate) fn quick<A: Arguments, R: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: fn(&Api, A) -> Result<R, RpcError>,
    ) -> Listed {
        self.module.register_method(name, move |params, api, _| reply(api, &params, method))?;
        Ok(())
    }

    /// A method that reads the store.
    pub(crate) fn read<A: Arguments, R: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: fn(&Api, A) -> Result<R, RpcError>,
    ) -> Listed {
        self.module
            .register_blocking_method(name, move |params, api, _| reply(&api, &params, method))?;
        Ok(())
    }

    /// A method that runs the EVM.
    pub(crate) fn run<A: Arguments, R: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: fn(&Api, A) -> Result<R, RpcError>,
    ) -> Listed {
        let call = move |params: Params<'static>, api: Arc<Api>, _| async move {
            let place = Arc::clone(&api.places).acquire_owned().await;
            let place = place.map_err(|_| RpcError::server("the server is stopping"))?;
            let work = tokio::task::spawn_blocking(move || {
                let answer = reply(&api, &params, method);
                drop(place);
                answer
            });
            work.await.map_err(|_| RpcError::internal("the method was cut short"))?
        };
        self.module.register_async_method(name, call)?;
        Ok(())
    }

    /// A method that waits for something.
    pub(crate) fn wait<A, R, F>(
        &mut self,
        name: &'static str,
        method: fn(Arc<Api>, A) -> F,
    ) -> Listed
    where
        A: Arguments,
        R: Serialize + 'static,
        F: Future<Output = Result<R, RpcError>> + Send + 'static,
    {
        let call = move |params: Params<'static>, api: Arc<Api>, _| async move {
            let arguments = A::read(&params)?;
            encode(&method(api, arguments).await?)
        };
        self.module.register_async_method(name, call)?;
        Ok(())
    }
}

fn reply<A: Arguments, R: Serialize>(
    api: &Api,
    params: &Params<'_>,
    method: fn(&Api, A) -> Result<R, RpcError>,
) -> Reply {
    let arguments = A::read(params)?;
    encode(&method(api, arguments)?)
}

fn encode<R: Serialize>(result: &R) -> Reply {
    Ok(serde_json::value::to_raw_value(result).map_err(RpcError::internal)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<A: Arguments + PartialEq + std::fmt::Debug>(
        text: Option<&'static str>,
        expected: Result<A, &str>,
    ) {
        let read = A::read(&Params::new(text));
        assert_eq!(read.map_err(|error| error.message), expected.map_err(str::to_owned));
    }

    #[test]
    fn parameters_are_read_by_position() {
        check(Some("[1, \"a\"]"), Ok((1_u8, "a".to_owned())));
        check(Some("[1]"), Ok((1_u8, None::<u8>)));
        check(Some("[1, null]"), Ok((1_u8, None::<u8>)));
        check::<()>(None, Ok(()));
        check::<()>(Some("[]"), Ok(()));
        check::<()>(Some("null"), Ok(()));
    }

    #[test]
    fn wrong_parameters_are_refused_in_geths_words() {
        check::<(u8,)>(None, Err("missing value for required argument 0"));
        check::<(u8, u8)>(Some("[1]"), Err("missing value for required argument 1"));
        check::<(u8,)>(Some("[1, 2]"), Err("too many arguments, want at most 1"));
        check::<(u8,)>(Some("{\"a\": 1}"), Err("non-array args"));
        check::<(u8,)>(
            Some("[256]"),
            Err("invalid argument 0: invalid value: integer `256`, expected u8 at line 1 column 3"),
        );
    }
}
