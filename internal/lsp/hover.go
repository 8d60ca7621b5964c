package lsp

import (
	"context"

	"github.com/creachadair/jrpc2"
)

func (s *server) hover(ctx context.Context, r *jrpc2.Request) (any, error) { return nil, nil }
