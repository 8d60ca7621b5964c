package queuedb

import (
	"context"
	"log/slog"
)

// riverLogger returns the logger for River.
func (q *Queue) riverLogger() *slog.Logger { return slog.New(&quietHandler{q.logger.Handler()}) }

// quietHandler lowers River's messages by a level: its start and end are details of the worker.
type quietHandler struct{ slog.Handler }

// Enabled asks for the lower level.
func (h *quietHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.Handler.Enabled(ctx, lowerLevel(level))
}

// Handle writes a message with the lower level.
func (h *quietHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lowerLevel(r.Level)
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the lower level.
func (h *quietHandler) WithAttrs(list []slog.Attr) slog.Handler {
	return &quietHandler{h.Handler.WithAttrs(list)}
}

// WithGroup keeps the lower level.
func (h *quietHandler) WithGroup(name string) slog.Handler {
	return &quietHandler{h.Handler.WithGroup(name)}
}

func lowerLevel(level slog.Level) slog.Level {
	if level == slog.LevelInfo {
		return slog.LevelDebug
	}
	return level
}
