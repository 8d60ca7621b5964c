package live

import (
	"context"
	"time"
)

// sharedPatience bounds how long a pool may take to give a session.
const sharedPatience = 4 * time.Second

// Shared reports whether two clients that are connected at once have one session of the
// server between them, which only a pooler of transactions does. Outside of transactions it
// asks each in turn which process serves it. The error is a [*ServerError], also where the
// pool has no second session to give.
func Shared(ctx context.Context, url string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, sharedPatience)
	defer cancel()
	var clients [2]*session
	for i := range clients {
		s, err := connect(ctx, url)
		if err != nil {
			return false, err
		}
		defer s.close(ctx)
		clients[i] = s
	}
	seen := [2]map[int]bool{{}, {}}
	for range 3 {
		for i, s := range clients {
			var pid int
			if err := s.conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
				return false, s.fail("ask which process serves a second client", err)
			}
			seen[i][pid] = true
			if seen[1-i][pid] || len(seen[i]) > 1 {
				return true, nil
			}
		}
	}
	return false, nil
}
