package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/fault"
)

const (
	// mostCalls is how many calls run at the same time. A call whose time is over counts until it ends.
	mostCalls = 4
	// mostText and mostData limit an answer's text and JSON, in bytes.
	mostText = 128 << 10
	mostData = 2 << 20
)

// answer is the answer to a call: the command's text and its JSON.
type answer struct {
	text string
	data json.RawMessage
}

// newAnswer prints a document as text and as JSON.
func newAnswer(writeText, writeData func(io.Writer) error) (*answer, error) {
	var text, data bytes.Buffer
	if err := errors.Join(writeText(&text), writeData(&data)); err != nil {
		return nil, err
	}
	return &answer{text: text.String(), data: data.Bytes()}, nil
}

// callTool runs a tool. A panic and the end of the time cost this call only. Judging does not look at the context, so an
// abandoned call goes on until it ends, and keeps its slot.
func (s *server) callTool(ctx context.Context, name string, run func(context.Context) (*answer, error)) (*sdk.CallToolResult, any, error) {
	began := time.Now()
	ctx, stop := context.WithTimeout(ctx, s.Limit)
	defer stop()
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("%d earlier calls are still at work: %w", mostCalls, s.endReason(ctx))
	}
	type result struct {
		out *answer
		err error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if recovered := recover(); recovered != nil {
				r.err = fault.FromPanic(recovered)
			}
			<-s.slots
			done <- r
		}()
		r.out, r.err = run(ctx)
	}()
	var r result
	select {
	case r = <-done:
	case <-ctx.Done():
		r.err = s.endReason(ctx)
	}
	s.Logger.Debug("called", "tool", name, "took", time.Since(began), "error", r.err)
	if r.err != nil {
		return nil, nil, errors.New(address.HidePasswords(r.err.Error()))
	}
	text, data := r.out.boundedParts()
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}}, data, nil
}

// endReason says why a call ended before its answer.
func (s *server) endReason(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %v (onward mcp --limit)", s.Limit)
	}
	return errors.New("the call was cancelled")
}

// boundedParts returns the parts of an answer within their limits, without passwords of addresses.
func (a *answer) boundedParts() (text string, data json.RawMessage) {
	text = address.HidePasswords(a.text)
	if len(text) > mostText {
		end := mostText
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = fmt.Sprintf("%s\n… (the text has %d bytes, of which these are the first %d)\n", text[:end], len(text), end)
	}
	if len(a.data) > mostData {
		data, _ = json.Marshal(map[string]string{"omitted": fmt.Sprintf("the JSON has %d bytes, more than %d: run the command", len(a.data), mostData)})
		return text, data
	}
	return text, json.RawMessage(address.HidePasswords(string(a.data)))
}
