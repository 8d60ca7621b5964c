// Package ordered keeps the statements that clients of a proxy send, in their order and with their values: each with
// the transaction in which the server ran it, and the server's answer.
//
//	log := ordered.NewLog()
//	proxy, err := wire.Listen(ctx, wire.Config{Server: server, Sink: log})
//	… run a command …
//	err = proxy.Close()
//	statements := log.Statements()
//
// Unlike package collect, it keeps literals: what it returns is as secret as the rows of the database.
package ordered
