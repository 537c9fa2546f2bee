//! An address whose plug can be pulled: what stands between an endpoint's users and its server where the schedule wants
//! to unplug it.
//!
//! Start with [`Gate::open`]. Bytes are passed on as they are, so HTTP and WebSocket alike; [`Plug::pull`] breaks all
//! connections, and those made later are closed at once.
//!
//! **Invariant:** a bounded number of connections; none outlives the gate.

use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// More connections than that wait for a place, as before a server.
const MAX_CONNECTIONS: usize = 1_024;
/// After a connection that could not be taken: mostly, files have run out.
const PAUSE: Duration = Duration::from_millis(100);

/// Whether an endpoint is reachable. A clone is another handle to the same plug.
#[derive(Clone, Debug)]
pub(crate) struct Plug(watch::Sender<bool>);

impl Plug {
    /// It is in.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(true))
    }

    /// Pulls it, or puts it back.
    pub(crate) fn set(&self, is_in: bool) {
        self.0.send_if_modified(|before| std::mem::replace(before, is_in) != is_in);
    }
}

/// See the module. It closes when this is dropped.
#[derive(Debug)]
pub(crate) struct Gate {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Gate {
    /// Listens here and passes everything on to this server.
    pub(crate) async fn open(
        listen: SocketAddr,
        server: SocketAddr,
        plug: &Plug,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(pass_on(listener, server, plug.0.subscribe()));
        Ok(Self { address, task })
    }

    /// Where it really listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(listener: TcpListener, server: SocketAddr, plug: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            taken = listener.accept(), if connections.len() < MAX_CONNECTIONS => match taken {
                Ok((client, _)) => {
                    connections.spawn(serve(client, server, plug.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// One connection until either side ends it or the plug is pulled.
async fn serve(mut client: TcpStream, server: SocketAddr, mut plug: watch::Receiver<bool>) {
    let work = async {
        let mut inside = TcpStream::connect(server).await?;
        client.set_nodelay(true)?;
        inside.set_nodelay(true)?;
        copy_bidirectional(&mut client, &mut inside).await
    };
    tokio::select! {
        biased;
        _ = plug.wait_for(|is_in| !is_in) => {}
        // However it ends, both sides are closed.
        _ = work => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    /// Answers each byte with the same byte.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind(ANY).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    async fn ask(stream: &mut TcpStream) -> io::Result<u8> {
        stream.write_all(&[7]).await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn a_pulled_plug_breaks_connections_until_it_is_back() {
        let plug = Plug::new();
        let gate = Gate::open(ANY, echo().await, &plug).await.unwrap();
        let mut before = TcpStream::connect(gate.address()).await.unwrap();
        assert_eq!(ask(&mut before).await.unwrap(), 7);
        plug.set(false);
        ask(&mut before).await.unwrap_err();
        let mut meanwhile = TcpStream::connect(gate.address()).await.unwrap();
        ask(&mut meanwhile).await.unwrap_err();
        plug.set(true);
        let mut after = TcpStream::connect(gate.address()).await.unwrap();
        assert_eq!(ask(&mut after).await.unwrap(), 7);
    }
}
