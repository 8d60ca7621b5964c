// Fetch makes sure that servers of the given major versions (all that are supported, if none is given) are there
// before tests need them: it downloads the missing ones, starts each once and prints its directory. The major before the oldest
// supported one is for tests, too.
//
//	go run ./internal/pgserver/fetch 12 13 14 15 16 17 18
//	go run ./internal/pgserver/fetch -cache    prints the cache's directory
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"time"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fetch:", err)
		os.Exit(3)
	}
}

func run(ctx context.Context, args []string) error {
	if slices.Equal(args, []string{"-cache"}) {
		dir, err := pgserver.CacheDir()
		fmt.Println(dir)
		return err
	}
	var majors []int
	for _, arg := range args {
		major, err := strconv.Atoi(arg)
		if err != nil || major < onward.OldestMajor-1 || major > onward.PreviewMajor {
			return fmt.Errorf("%q is not a major version from %d to %d", arg, onward.OldestMajor-1, onward.PreviewMajor)
		}
		majors = append(majors, major)
	}
	for major := onward.OldestMajor; len(args) == 0 && major <= onward.NewestMajor; major++ {
		majors = append(majors, major)
	}
	if err := pgserver.UseDownloaded(); err != nil {
		return err
	}
	for _, major := range majors {
		start := time.Now()
		s, err := pgserver.Start(ctx, pgserver.Config{Major: major, Logger: slog.Default()})
		if err != nil {
			return err
		}
		install := s.Install()
		if err := s.Stop(); err != nil {
			return err
		}
		fmt.Printf("%-8s %-10s %s (%.2f s)\n", install.Version, install.Source, install.Bin, time.Since(start).Seconds())
	}
	return nil
}
