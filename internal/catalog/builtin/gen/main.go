// Gen writes the tables of package builtin from servers of every supported major version, which it starts.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
)

const output = "tables_gen.go"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if err := pgserver.UseDownloaded(); err != nil {
		return err
	}
	var gathered tables
	for major := onward.OldestMajor; major <= onward.PreviewMajor; major++ {
		s, err := pgserver.Start(ctx, pgserver.Config{Major: major, Small: true})
		if err != nil {
			return err
		}
		err = gathered.readServer(ctx, major, s.URL("postgres"))
		if stopErr := s.Stop(); err == nil {
			err = stopErr
		}
		if err != nil {
			return err
		}
	}
	brought := extensions{}
	if err := brought.readAll(ctx); err != nil {
		return err
	}
	if err := os.WriteFile(extensionOutput, brought.renderSource(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(output, gathered.renderSource(), 0o644)
}
