// Package wire is a proxy between code and its Postgres server. It passes on every byte
// unchanged, and shows the queries and their results to a Sink; package collect makes a
// workload of them.
//
//	server, err := wire.ParseServer(url)
//	c := collect.New(collect.Config{Owner: "app"})
//	proxy, err := wire.Listen(ctx, wire.Config{Server: server, Sink: c})
//	… run a command with proxy.Host() and proxy.Port() …
//	err = proxy.Close()
//	recording := c.Recording()
//
// A sink never sees passwords, the data of COPY, replication, and the part of a message
// beyond a bound (Limits). Memory does not grow with the size of a message. Config.Whole is
// for a sink that sees the data of COPY that clients send, and longer messages: each session then takes up to
// MaxWhole.
//
// Clients authenticate with the server itself, by any method but one: SCRAM's channel
// binding detects a proxy. So SCRAM-SHA-256-PLUS is removed from the server's offer.
package wire
