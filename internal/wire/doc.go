// Package wire is a proxy between code and its Postgres server. It passes every byte
// on as it came, and shows the messages that say what was sent, and what came of it,
// to a Sink; package collect makes a workload of them.
//
//	server, err := wire.ParseServer(url)
//	c := collect.New(collect.Config{Owner: "app"})
//	proxy, err := wire.Listen(ctx, wire.Config{Server: server, Sink: c})
//	… run a command with proxy.Host() and proxy.Port() …
//	err = proxy.Close()
//	recording := c.Recording()
//
// What a sink never sees: passwords, the data of COPY, replication, and what a message
// has beyond a bound (Limits). Memory does not grow with the size of a message.
//
// Clients authenticate with the server itself, by any method but one: a proxy is in the
// middle, which SCRAM's channel binding is made to notice. SCRAM-SHA-256-PLUS is taken out
// of what the server offers.
package wire
