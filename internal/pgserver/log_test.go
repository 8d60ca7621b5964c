//go:build unix

package pgserver

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// After a statement has ended, the log has everything that the server wrote
// before.
func TestLogIsWhole(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := server(t, Config{Settings: map[string]string{"log_statement": "all"}})
	c := connect(t, s.URL("postgres"))
	defer c.Close(ctx)
	for i := range 500 {
		mark := fmt.Sprintf("SELECT %d, 'seen'", i)
		if _, err := c.Exec(ctx, mark, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(s.Log(), mark+"\n") {
			t.Fatalf("%d: the log ends with %q", i, s.Log()[max(0, len(s.Log())-80):])
		}
	}
}
