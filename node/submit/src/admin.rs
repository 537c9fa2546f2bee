//! The Go batcher's `admin_*` methods. Nobody serves them unasked.
//!
//! Start with [`serve_admin`].
//!
//! **Invariant:** whoever reaches the port controls the batcher, so it is for addresses that others
//! do not reach.

use crate::{Activity, BatcherHandle};
use jsonrpsee::{
    RpcModule,
    server::{ServerBuilder, ServerHandle},
    types::ErrorObjectOwned,
};
use std::{io, net::SocketAddr, time::Duration};

/// Code of errors that are the server's own.
const ERROR: i32 = -32_000;
/// How long a caller waits for a batcher to stop.
const STOP_WITHIN: Duration = Duration::from_secs(60);

/// Serves `admin_startBatcher`, `admin_stopBatcher` and `admin_flushBatcher`; gives the address,
/// and the handle that ends it.
pub async fn serve_admin(
    handle: BatcherHandle,
    address: SocketAddr,
) -> io::Result<(SocketAddr, ServerHandle)> {
    let server = ServerBuilder::default().build(address).await?;
    let address = server.local_addr()?;
    Ok((address, server.start(module(handle))))
}

fn module(handle: BatcherHandle) -> RpcModule<BatcherHandle> {
    let mut module = RpcModule::new(handle);
    let unique = "each name is registered once";
    module
        .register_method("admin_startBatcher", |_, handle, _| {
            refuse_if(handle.status().activity != Activity::Stopped, "is running already")?;
            handle.start();
            Ok::<_, ErrorObjectOwned>(())
        })
        .expect(unique);
    module
        .register_method("admin_flushBatcher", |_, handle, _| {
            refuse_if(handle.status().activity == Activity::Stopped, "is not running")?;
            handle.flush();
            Ok::<_, ErrorObjectOwned>(())
        })
        .expect(unique);
    module
        .register_async_method("admin_stopBatcher", |_, handle, _| async move {
            refuse_if(handle.status().activity == Activity::Stopped, "is not running")?;
            let mut status = handle.watch();
            handle.stop();
            let stopped = status.wait_for(|it| it.activity == Activity::Stopped);
            let stopped = tokio::time::timeout(STOP_WITHIN, stopped).await;
            refuse_if(!matches!(stopped, Ok(Ok(_))), "is still sending what it has")
        })
        .expect(unique);
    module
}

fn refuse_if(condition: bool, what: &str) -> Result<(), ErrorObjectOwned> {
    let error = || ErrorObjectOwned::owned(ERROR, format!("the batcher {what}"), None::<()>);
    if condition { Err(error()) } else { Ok(()) }
}
