package live

import (
	"context"
	"time"
)

// sharedPatience limits how long a pooler may take to provide a session.
const sharedPatience = 4 * time.Second

// SharesSession reports whether two concurrent clients share one session of the server, which only
// happens with a transaction pooler. Outside of transactions, it asks each of them in turn
// for its server process. The error is a [*ServerError], also if the pool has no second
// session available.
func SharesSession(ctx context.Context, url string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, sharedPatience)
	defer cancel()
	var clients [2]*session
	for i := range clients {
		s, err := connectSession(ctx, url)
		if err != nil {
			return false, err
		}
		defer s.closeSession(ctx)
		clients[i] = s
	}
	seen := [2]map[int]bool{{}, {}}
	for range 3 {
		for i, s := range clients {
			var pid int
			if err := s.conn.QueryRow(ctx, "SELECT pg_catalog.pg_backend_pid()").Scan(&pid); err != nil {
				return false, s.serverError("ask which process serves a second client", err)
			}
			seen[i][pid] = true
			if seen[1-i][pid] || len(seen[i]) > 1 {
				return true, nil
			}
		}
	}
	return false, nil
}
