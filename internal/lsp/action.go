package lsp

import (
	"context"

	"github.com/creachadair/jrpc2"
)

const (
	quickFix       = "quickfix"
	explainCommand = "onward.explain"
)

func (s *server) codeAction(ctx context.Context, r *jrpc2.Request) (any, error) { return nil, nil }
func (s *server) execute(ctx context.Context, r *jrpc2.Request) (any, error)    { return nil, nil }
