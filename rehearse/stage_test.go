package rehearse_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/rehearse"
)

// Each commit of a release is seen once, with what others see then, and nothing else.
func TestWalk(t *testing.T) {
	t.Parallel()
	dir := branch(t, shopBase, []txtar.File{
		step("ALTER TABLE users ADD COLUMN a text;\nALTER TABLE users ADD COLUMN b text;"),
		{
			Name: "00003_alone.sql",
			Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY users_a ON users (a);\nBEGIN;\nALTER TABLE users ADD COLUMN c text;\n" +
				"COMMIT;\nGRANT SELECT ON users TO reporter;\n"),
		},
		{Name: "00004_fails.sql", Data: []byte("-- +goose Up\nALTER TABLE users ADD COLUMN d text;\nALTER TABLE users DROP COLUMN gone;\n")},
	})
	cfg := on(dir)
	cfg.Majors = []int{17}
	s, err := rehearse.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got []string
	stop, err := s.Walk(t.Context(), func(ctx context.Context, p rehearse.Point) error {
		if p.Base {
			got = nil
		}
		var columns string
		if err := p.Conn.QueryRow(ctx, "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'public.users'::regclass AND attnum > 3").Scan(&columns); err != nil && !strings.Contains(err.Error(), "NULL") {
			return err
		}
		got = append(got, fmt.Sprintf("%v %d:%d %v %s", p.Base, p.Migration, p.Line, p.Statements, columns))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"true 0:0 [] ", "false 0:3 [0 1] a b", "false 1:3 [0] a b", "false 1:5 [2] a b c", "false 1:7 [4] a b c"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if stop == nil || stop.Line != 3 || !strings.Contains(stop.String(), "00004_fails.sql:3: ") || !strings.Contains(stop.String(), "42703") {
		t.Errorf("stopped at %v", stop)
	}
	// What a visit says ends the walk, the server's words included.
	broken := errors.New("enough")
	if _, err := s.Walk(t.Context(), func(context.Context, rehearse.Point) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
