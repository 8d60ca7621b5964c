// Package replay sends a transcript to another database, and compares what the server answers there with what it answers on the deployed schema.
//
// The messages are sent as they were recorded: with the types that the client declared, its prepared statements, pipelines, COPY data and cursors. What
// sessions did at the same time keeps its order: a message is sent when the answers have come that had come when it was recorded.
package replay
