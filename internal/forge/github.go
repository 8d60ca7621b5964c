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

// PullRequest is a pull request on GitHub.
type PullRequest struct {
	// API is the address of its API, "https://api.github.com"; Repository "owner/name".
	API, Repository string
	Number          int
	// Token needs the right to write comments.
	Token string
}

// Error is a refusal of the forge.
type Error struct {
	// Doing is the attempted action; Status and Message are the answer.
	Doing   string
	Status  int
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %d %s", e.Doing, e.Status, e.Message)
}

// Forbidden reports whether the token lacks the right, like the token of a fork's pull request.
func (e *Error) Forbidden() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Status == http.StatusNotFound
}

// comment is a comment in the API's format.
type comment struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
	User author `json:"user"`
}

type author struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

// patience is the time limit for an answer, page the number of comments in one answer. most limits the comments that are searched.
const (
	patience = 30 * time.Second
	page     = 100
	most     = 3000
)

// Keep writes the comment that begins with a marker. text gets the comment's old text, "" if there is none, and
// returns the new one. Keep edits the first such comment, whoever changed it below the marker, deletes a second one,
// and creates one if there is none. action is "created", "updated" or "unchanged". Comments of other users are never changed, whatever they
// begin with.
//
// Errors: an [*Error] if the forge refuses; network errors.
func (p PullRequest) Keep(ctx context.Context, marker string, text func(before string) string) (action string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 4*patience)
	defer cancel()
	comments, err := p.listOwnComments(ctx, marker)
	if err != nil {
		return "", err
	}
	before := ""
	if len(comments) > 0 {
		before = comments[0].Body
	}
	after := text(before)
	body := map[string]string{"body": after}
	if len(comments) == 0 {
		return "created", p.callRepository(ctx, "create the comment", http.MethodPost, fmt.Sprintf("issues/%d/comments", p.Number), body, nil)
	}
	action = "unchanged"
	if before != after {
		if err := p.callRepository(ctx, "edit the comment", http.MethodPatch, fmt.Sprintf("issues/comments/%d", comments[0].ID), body, nil); err != nil {
			return "", err
		}
		action = "updated"
	}
	for _, c := range comments[1:] {
		if err := p.callRepository(ctx, "delete another comment", http.MethodDelete, fmt.Sprintf("issues/comments/%d", c.ID), nil, nil); err != nil {
			return "", err
		}
	}
	return action, nil
}

// listOwnComments returns the comments that begin with the marker and belong to the token's user. A workflow's token cannot ask
// for its user: its comments are from a bot.
func (p PullRequest) listOwnComments(ctx context.Context, marker string) (comments []comment, err error) {
	var currentUser author
	known := p.callAPI(ctx, "ask who comments", http.MethodGet, "/user", nil, &currentUser) == nil && currentUser.Login != ""
	isOwn := func(a author) bool {
		if known {
			return a.Login == currentUser.Login
		}
		return a.Type == "Bot"
	}
	for n := 1; n*page <= most; n++ {
		var list []comment
		if err := p.callRepository(ctx, "list the comments", http.MethodGet, fmt.Sprintf("issues/%d/comments?per_page=%d&page=%d", p.Number, page, n), nil,
			&list); err != nil {
			return nil, err
		}
		for _, c := range list {
			if isOwn(c.User) && strings.HasPrefix(strings.TrimSpace(c.Body), marker) {
				comments = append(comments, c)
			}
		}
		if len(list) < page {
			break
		}
	}
	return comments, nil
}

// callRepository sends a request about the repository.
func (p PullRequest) callRepository(ctx context.Context, doing, method, path string, body, result any) error {
	return p.callAPI(ctx, doing, method, "/repos/"+p.Repository+"/"+path, body, result)
}

// callAPI sends a request and reads its answer.
func (p PullRequest) callAPI(ctx context.Context, doing, method, path string, body, result any) error {
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
		var failure struct{ Message string }
		_ = json.Unmarshal(data, &failure) // without a message the status is enough
		return &Error{doing, answer.StatusCode, failure.Message}
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(data, result); err != nil {
		return fmt.Errorf("%s: the answer is not understood: %w", doing, err)
	}
	return nil
}
