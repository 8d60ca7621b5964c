// Package forge keeps what a forge shows of a run up to date: one comment on a pull request.
package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// PullRequest is one of GitHub.
type PullRequest struct {
	// API is the address of its API, "https://api.github.com"; Repository "owner/name".
	API, Repository string
	Number          int
	// Token has the right to write comments, if any.
	Token string
}

// Error is a refusal of the forge.
type Error struct {
	// Doing says what was tried; Status and Message are the answer.
	Doing   string
	Status  int
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %d %s", e.Doing, e.Status, e.Message)
}

// Forbidden reports whether the token lacks the right, as that of a fork's pull request does.
func (e *Error) Forbidden() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Status == http.StatusNotFound
}

// comment is one, as the API has it.
type comment struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
	User author `json:"user"`
}

type author struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

// patience is how long an answer may take; most is how many comments of a pull request are looked through.
const (
	patience = 30 * time.Second
	page     = 100
	most     = 3000
)

// Keep makes the comment that begins with a marker say what text makes of what it said before, "" where there
// was none: the first that is there is edited, whoever changed it below the marker, a second one is deleted, and
// without one it is made. It says what it did. Comments of others are left alone, whatever they begin with.
//
// Errors: an [*Error] where the forge refuses, and those of the network.
func (p PullRequest) Keep(ctx context.Context, marker string, text func(before string) string) (did string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 4*patience)
	defer cancel()
	ours, err := p.ours(ctx, marker)
	if err != nil {
		return "", err
	}
	before := ""
	if len(ours) > 0 {
		before = ours[0].Body
	}
	after := text(before)
	body := map[string]string{"body": after}
	if len(ours) == 0 {
		return "created", p.ask(ctx, "create the comment", http.MethodPost, fmt.Sprintf("issues/%d/comments", p.Number), body, nil)
	}
	did = "unchanged"
	if before != after {
		if err := p.ask(ctx, "edit the comment", http.MethodPatch, fmt.Sprintf("issues/comments/%d", ours[0].ID), body, nil); err != nil {
			return "", err
		}
		did = "updated"
	}
	for _, c := range ours[1:] {
		if err := p.ask(ctx, "delete another comment", http.MethodDelete, fmt.Sprintf("issues/comments/%d", c.ID), nil, nil); err != nil {
			return "", err
		}
	}
	return did, nil
}

// ours are the comments that begin with the marker and are of whoever the token is of. That of a workflow may not ask
// who it is: its comments are a bot's.
func (p PullRequest) ours(ctx context.Context, marker string) (ours []comment, err error) {
	var self author
	known := p.call(ctx, "ask who comments", http.MethodGet, "/user", nil, &self) == nil && self.Login != ""
	mine := func(a author) bool {
		if known {
			return a.Login == self.Login
		}
		return a.Type == "Bot"
	}
	for n := 1; n*page <= most; n++ {
		var list []comment
		if err := p.ask(ctx, "list the comments", http.MethodGet, fmt.Sprintf("issues/%d/comments?per_page=%d&page=%d", p.Number, page, n), nil, &list); err != nil {
			return nil, err
		}
		for _, c := range list {
			if mine(c.User) && strings.HasPrefix(strings.TrimSpace(c.Body), marker) {
				ours = append(ours, c)
			}
		}
		if len(list) < page {
			break
		}
	}
	return ours, nil
}

// ask sends a request about the repository.
func (p PullRequest) ask(ctx context.Context, doing, method, path string, body, into any) error {
	return p.call(ctx, doing, method, "/repos/"+p.Repository+"/"+path, body, into)
}

// call sends a request and reads its answer.
func (p PullRequest) call(ctx context.Context, doing, method, path string, body, into any) error {
	var sent io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		sent = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(p.API, "/")+path, sent)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	r.Header.Set("Authorization", "Bearer "+p.Token)
	r.Header.Set("Accept", "application/vnd.github+json")
	answer, err := (&http.Client{Timeout: patience}).Do(r)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	defer answer.Body.Close()
	const largest = 32 << 20
	data, err := io.ReadAll(io.LimitReader(answer.Body, largest))
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if answer.StatusCode >= 300 {
		var said struct{ Message string }
		_ = json.Unmarshal(data, &said) // without one the number says enough
		return &Error{doing, answer.StatusCode, said.Message}
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: the answer is not understood: %w", doing, err)
	}
	return nil
}
