package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func newTestServer(limit time.Duration) *server {
	return &server{Config: Config{Limit: limit, Logger: slog.New(slog.DiscardHandler)}, slots: make(chan struct{}, mostCalls)}
}

// A panic costs one call.
func TestPanic(t *testing.T) {
	t.Parallel()
	s := newTestServer(time.Minute)
	for range 2 * mostCalls {
		_, _, err := s.callTool(t.Context(), "x", func(context.Context) (*answer, error) { panic("boom postgres://u:hunter2@h/d") })
		if err == nil || !strings.Contains(err.Error(), "boom") || strings.Contains(err.Error(), "hunter2") {
			t.Fatal(err)
		}
	}
	if _, _, err := s.callTool(t.Context(), "x", func(context.Context) (*answer, error) {
		return &answer{text: "a", data: json.RawMessage("{}")},
			nil
	}); err != nil {
		t.Error(err)
	}
}

// A call that does not end is given up at its limit. It keeps its slot, so that such calls cannot take all memory.
func TestLimit(t *testing.T) {
	t.Parallel()
	s := newTestServer(20 * time.Millisecond)
	end := make(chan struct{})
	defer close(end)
	for range mostCalls {
		_, _, err := s.callTool(t.Context(), "x", func(context.Context) (*answer, error) { <-end; return nil, errors.New("late") })
		if err == nil || !strings.Contains(err.Error(), "no answer within") {
			t.Fatal(err)
		}
	}
	_, _, err := s.callTool(t.Context(), "x", func(context.Context) (*answer, error) { return nil, nil })
	if err == nil || !strings.Contains(err.Error(), "still at work") {
		t.Error(err)
	}
}

// A long answer is cut at a letter, and a password of an address is hidden.
func TestBound(t *testing.T) {
	t.Parallel()
	long := answer{text: strings.Repeat("ü", mostText), data: json.RawMessage(`"` + strings.Repeat("x", mostData) + `"`)}
	text, data := long.boundedParts()
	if len(text) > mostText+200 || !strings.Contains(text, "of which these are the first") || strings.Contains(text, "\ufffd") {
		t.Errorf("%d bytes: %s", len(text), text[len(text)-100:])
	}
	if !strings.Contains(string(data), "omitted") {
		t.Errorf("data of more than %d bytes begin with %.100s, want a note that they are omitted", mostData, data)
	}
	secret := answer{text: "postgres://u:hunter2@h/d", data: json.RawMessage(`{"a":"postgres://u:hunter2@h/d"}`)}
	if text, data := secret.boundedParts(); strings.Contains(text+string(data), "hunter2") || !json.Valid(data) {
		t.Errorf("the answer is %s, %s; want valid JSON and no password", text, data)
	}
}
