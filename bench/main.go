//go:build unix

// Command bench measures what onward's commands cost beside the same commands of two older programs: the last landing's and the anchor's,
// whose commit is in the file anchor.
//
//	go run ./bench [flags] [ROW ...]
//
// README.md beside this file says what is measured and how, and rows.go has the rows. It exits with 0 if all limits are kept, 1 if one is
// missed, 2 for wrong usage and 3 if it could not measure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/measure"
)

func main() {
	cost.RunOne()
	if len(os.Args) == 4 && os.Args[1] == "editor" {
		measure.ExitIf(false, measure.Catch(func() { typeKeys(os.Args[2], os.Args[3]) }))
		return
	}
	b := &bench{}
	flag.StringVar(&b.onward, "onward", "", "onward `binary`; built when empty")
	flag.StringVar(&b.older, "anchor", "", "another `binary` in place of the anchor's, for all rows")
	base := flag.String("base", os.Getenv("BASE"), "the `commit` of the last landing (or $BASE); default: the last that changed size.json's Landing")
	flag.BoolVar(&b.short, "short", false, "five rows beside the anchor alone; what is above its limit by a tenth three times is missed")
	flag.IntVar(&b.pairs, "pairs", 7, "how many `runs` of each program count")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: bench [flags] [ROW ...]")
		for _, r := range rows {
			fmt.Fprintf(os.Stderr, "  %-18s %s\n", r.name, r.what)
		}
		flag.PrintDefaults()
	}
	flag.Parse()
	chosen, err := chooseRows(slices.Concat(rows, measure.Must(listClones(os.Getenv("REPOS")))), flag.Args(), b.short)
	if err != nil || b.pairs < 1 {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	missed := false
	err = measure.InDirectory(func(ctx context.Context, dir string) {
		b.Context, b.dir = ctx, dir
		missed = b.measureRows(chosen, *base)
	})
	measure.ExitIf(missed, err)
}

// chooseRows returns the named rows; without a name all, or the short form's.
func chooseRows(all []row, names []string, short bool) (chosen []row, err error) {
	for _, r := range all {
		if slices.Contains(names, r.name) || len(names) == 0 && (!short || r.short) {
			chosen = append(chosen, r)
		}
	}
	if len(names) > len(chosen) {
		return nil, fmt.Errorf("not all of %s are rows: run with -h", strings.Join(names, " "))
	}
	return chosen, nil
}

// measureRows measures the rows, prints each as it goes, and reports whether a limit was missed.
func (b *bench) measureRows(chosen []row, base string) (missed bool) {
	anchor := measure.Must(parseAnchor(string(measure.Must(os.ReadFile("bench/anchor")))))
	if b.onward == "" {
		b.onward = filepath.Join(b.dir, "onward")
		measure.Check(measure.BuildOnward(b, ".", b.onward))
	}
	if !b.short {
		base = findBase(b, base)
	}
	failed := false
	defer func() { b.stopServer() }()
	for i := range chosen {
		r := &chosen[i]
		err := measure.Catch(func() {
			measureRow := b.measureRow
			if r.waits {
				measureRow = b.measureStalls
			}
			if measureRow(r, anchor, base) {
				missed = true
			}
		})
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", r.name, err)
			failed = true
		}
		measure.Check(b.Err())
	}
	if failed {
		measure.Check(errors.New("some rows could not be measured"))
	}
	return missed
}
