//! `batchmock serve`

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use batchmock::{ClockMode, Config, ConnectionLimits, DEFAULT_KEY, DataDir, Recording, Unrecorded};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use tokio::net::TcpListener;

use super::exit::Failure;
use super::log::{self, LogFormat};
use super::mock_args::MockArgs;
use super::replay_args::tell_problems;
use super::webhook_args;

/// Where the mock listens if it is not told otherwise.
pub(super) const DEFAULT_PORT: u16 = 7420;

/// How long requests under way may still take when the server is asked to stop.
const GRACE: Duration = Duration::from_secs(3);

/// How many open files are left to what is no connection.
#[cfg(unix)]
const FILES_OF_OTHERS: usize = 512;

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The address to listen on; any but a loopback address lets other machines in.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,

    /// The port to listen on; 0 takes a free one.
    #[arg(long, short, value_name = "PORT", default_value_t = DEFAULT_PORT)]
    port: u16,

    /// Also open the control API (clock, reset, …) under this host name, such as a container's; may be
    /// repeated.
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,

    /// How to log requests, on standard error.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    /// Accept this key alone, or those given by repeating the flag, and refuse others with status 401
    /// [default: any key].
    #[arg(long = "key", value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    keys: Vec<String>,

    /// Keep everything in this directory, so that it survives the end of the mock, whatever end it is: files,
    /// batches, worlds and clocks [default: nothing survives].
    ///
    /// It is made if there is none. Clocks, and batches that exist, go on as they were, whatever other flags say;
    /// those are for what comes new.
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,

    #[command(flatten)]
    mock: MockArgs,
}

/// Serves until interrupted.
pub(super) async fn run(args: ServeArgs) -> Result<ExitCode, Failure> {
    let mut config = Config { keys: args.keys, ..args.mock.config()? };
    config.data_dir = args.data_dir.map(DataDir::open).transpose().map_err(Failure::file)?;
    leave_files_for_others(&mut config.connections);
    let wanted = SocketAddr::new(args.host, args.port);
    let listener = TcpListener::bind(wanted).await.map_err(|error| address_failure(wanted, &error))?;
    let address = listener.local_addr().map_err(Failure::internal)?;
    let shutdown = interrupted()?;

    tell_problems(&config.recordings);
    let _log = log::start(args.log_format);
    match args.log_format {
        LogFormat::Text => banner(address, &config),
        LogFormat::Json => {
            let base_url = base_url(address);
            tracing::info!(base_url, clock = %config.clock, "listening");
        }
    }
    batchmock::serve(listener, config, args.allow_host, shutdown, GRACE)
        .await
        .map_err(|error| Failure::internal(format!("cannot serve: {error}")))?;
    Ok(ExitCode::SUCCESS)
}

/// Asks the system for as many open files as it allows, and takes no connections that would leave none for the
/// files of the mock. Commands that `exec` runs are not to inherit so much, so only `serve` asks.
fn leave_files_for_others(connections: &mut ConnectionLimits) {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
        let most = if raised { maximum } else { current };
        if let Some(most) = most.and_then(|most| usize::try_from(most).ok()) {
            // Half of few, and all but some of many.
            let others = (most / 2).min(FILES_OF_OTHERS);
            connections.n_connections = connections.n_connections.min(most - others);
        }
    }
    #[cfg(not(unix))]
    let _ = connections;
}

/// What to give a client as its base URL. A wildcard address is reached by the loopback.
pub(super) fn base_url(address: SocketAddr) -> String {
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    format!("http://{}/v1", SocketAddr::new(host, address.port()))
}

/// Ready when the user, or the system, asks the process to stop. From the call on, not from the first poll,
/// a signal no longer ends the process by itself.
fn interrupted() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    #[cfg(unix)]
    let asked = {
        use tokio::signal::unix::{SignalKind, signal};

        let listen = |kind| {
            signal(kind).map_err(|error| Failure::internal(format!("cannot listen for signals: {error}")))
        };
        let (mut interrupt, mut terminate) =
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
    };
    #[cfg(not(unix))]
    let asked = async {
        // Where Ctrl-C cannot be listened for, it ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    Ok(async move {
        asked.await;
        tracing::info!("stopping");
    })
}

fn address_failure(address: SocketAddr, error: &io::Error) -> Failure {
    let (ip, port) = (address.ip(), address.port());
    let is = |kind| error.kind() == kind;
    Failure::address(if is(io::ErrorKind::AddrInUse) {
        format!(
            "port {port} of {ip} is taken, perhaps by another batchmock: choose one with --port, or let \
             --port 0 find a free one"
        )
    } else if is(io::ErrorKind::PermissionDenied) {
        format!("port {port} may not be used without privileges: choose one above 1023 with --port")
    } else {
        format!("cannot listen on {address}: {error}")
    })
}

/// What is answered from recordings.
fn recordings(config: &Config) -> String {
    let sum = |of: fn(&Recording) -> usize| config.recordings.iter().map(of).sum::<usize>();
    if config.recordings.is_empty() {
        return String::new();
    }
    let replayed = match sum(Recording::len) {
        1 => "1 result is replayed".to_owned(),
        n => format!("{n} results are replayed"),
    };
    let unfinished = match sum(Recording::n_unfinished) {
        0 => String::new(),
        1 => "; 1 never ran when it was recorded".to_owned(),
        n => format!("; {n} never ran when they were recorded"),
    };
    let others = match config.unrecorded {
        Unrecorded::Fails => "Other requests fail.",
        Unrecorded::IsAnswered => "Other requests are answered as ever.",
    };
    format!("\n  {replayed}{unfinished}. {others}")
}

#[expect(clippy::print_stderr, reason = "talk goes to standard error")]
fn banner(address: SocketAddr, config: &Config) {
    let base_url = base_url(address);
    let time = match config.clock {
        ClockMode::Real => "runs in real time.".to_owned(),
        ClockMode::Scaled(factor) => format!("runs {factor} times as fast as real time."),
        // Nothing follows the command, so that all of the line can be pasted.
        ClockMode::Frozen => {
            format!("stands still until it is advanced:\n  batchmock clock advance 26h --base-url {base_url}")
        }
        ClockMode::Stepping => {
            "jumps to the next change of a batch each time that batch is polled.".to_owned()
        }
    };
    // A key that was given is not shown, so that no log of a terminal gives it away.
    let (key, keys) = match config.keys.as_slice() {
        [] => (DEFAULT_KEY, "Any other key works as well, and has files, batches and a clock of its own."),
        [_] => ("YOUR_KEY", "YOUR_KEY stands for the one given with --key: no other works."),
        _ => (
            "YOUR_KEY",
            "YOUR_KEY stands for any of those given with --key: no others work. Each has files, batches and a\n  \
             clock of its own.",
        ),
    };
    eprintln!(
        "batchmock {version} takes requests at {base_url}

  shell    export OPENAI_BASE_URL={base_url} OPENAI_API_KEY={key}
  Python   client = OpenAI(base_url=\"{base_url}\", api_key=\"{key}\")
  Node     const client = new OpenAI({{ baseURL: \"{base_url}\", apiKey: \"{key}\" }})

  {keys}
  The clock {time}{recordings}
  Stop with Ctrl-C.
",
        version = env!("CARGO_PKG_VERSION"),
        recordings = recordings(config),
    );
    if let Some(webhooks) = webhook_args::told(config) {
        eprintln!("  {webhooks}\n");
    }
    if let Some(data_dir) = &config.data_dir {
        eprintln!(
            "  Everything is kept in {}.\n  Clocks and batches that are there go on as they were.\n",
            data_dir.path().display()
        );
    }
    if !address.ip().is_loopback() {
        let who = if config.keys.is_empty() {
            "and no key keeps them out: any will do"
        } else {
            "with one of its keys"
        };
        eprintln!("  Other machines can reach it, {who}.\n");
    }
}
