package live

import (
	"context"
	"errors"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// TestQuestionsKeepNothing: what a question locked is free again, what it was refused spoils
// nothing, and nothing can be written.
func TestQuestionsKeepNothing(t *testing.T) {
	t.Parallel()
	ctx, url := context.Background(), pgservertest.Database(t, 17)
	other := pgservertest.Connect(t, url)
	pgservertest.Exec(t, other, "CREATE TABLE t (i int); SET lock_timeout = '500ms'")
	s, err := Dial(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(ctx)
	var size int64
	if err := s.Each(ctx, "SELECT pg_table_size('public.t'), count(*) FROM public.t", nil, []any{&size, &size}, func() {}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(ctx, "ALTER TABLE t ADD COLUMN j int"); err != nil {
		t.Error("the question holds its lock:", err)
	}
	for sql, state := range map[string]string{"SELECT nowhere": "42703", "CREATE TABLE u ()": "25006"} {
		var refused *RefusedError
		if err := s.Each(ctx, sql, nil, nil, func() {}); !errors.As(err, &refused) || refused.SQLSTATE != state {
			t.Errorf("%s: %v, want %s", sql, err, state)
		}
	}
	if _, err := s.Schema(ctx); err != nil {
		t.Error(err)
	}
	if _, err := other.Exec(ctx, "ALTER TABLE t DROP COLUMN j; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'onward' AND "+
		"datname = current_database()"); err != nil {
		t.Error("the schema's reader holds its lock:", err)
	}
	var refused *RefusedError
	if err := s.Each(ctx, "SELECT 1", nil, []any{&size}, func() {}); err == nil || errors.As(err, &refused) {
		t.Errorf("a session that is gone gives %v", err)
	}
}
