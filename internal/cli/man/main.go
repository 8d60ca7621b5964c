// Command man writes the documentation of the command line: a man page for each command into
// DIR/man, completions for shells into DIR/completions, and pages for the site into DIR/commands. It
// is a separate program, so onward does not link the code that makes man pages.
//
//	go run ./internal/cli/man DIR
//
// The pages are dated by SOURCE_DATE_EPOCH, or else by the last commit, so that two builds are alike.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/onward-sql/onward/internal/cli"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: man DIR")
		os.Exit(2)
	}
	date, err := pageDate()
	if err == nil {
		err = writeManPages(cli.Manual(), os.Args[1], date)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "man:", err)
		os.Exit(1)
	}
}

// pageDate returns the date of the pages.
func pageDate() (time.Time, error) {
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		out, err := exec.Command("git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("neither SOURCE_DATE_EPOCH nor git tells the date of the pages: %w", err)
		}
		epoch = strings.TrimSpace(string(out))
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func writeManPages(root *cobra.Command, dir string, date time.Time) error {
	man, shells, pages := filepath.Join(dir, "man"), filepath.Join(dir, "completions"), filepath.Join(dir, "commands")
	for _, d := range []string{man, shells, pages} {
		if err := os.RemoveAll(d); err != nil {
			return err
		}
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	// A page's section, date, source and book. The library fills in the title, which is each page's own.
	header := &doc.GenManHeader{Section: "1", Date: &date, Source: "onward", Manual: "onward's manual"}
	if err := doc.GenManTree(root, header, man); err != nil {
		return err
	}
	for file, gen := range map[string]func(string) error{
		"onward.bash": func(f string) error { return root.GenBashCompletionFileV2(f, true) },
		"_onward":     root.GenZshCompletionFile,
		"onward.fish": func(f string) error { return root.GenFishCompletionFile(f, true) },
		"onward.ps1":  root.GenPowerShellCompletionFileWithDesc,
	} {
		if err := gen(filepath.Join(shells, file)); err != nil {
			return err
		}
	}
	return writeCommandPages(root, pages)
}
