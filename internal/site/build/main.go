// Command build makes the site of docs/. It fails if a link in it is broken or loads something from another
// host. It runs at the repository's root.
//
//	go run ./internal/site/build COMMANDS DIR
//
// COMMANDS has the pages of commands, from internal/cli/man.
package main

import (
	"fmt"
	"os"

	"github.com/onward-sql/onward/internal/site"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: build COMMANDS DIR")
		os.Exit(2)
	}
	if err := buildSite(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
}

func buildSite(commands, to string) error {
	s, err := site.Read("docs")
	if err != nil {
		return err
	}
	if err := s.AddPages(commands, "commands"); err != nil {
		return err
	}
	if err := s.Write(to); err != nil {
		return err
	}
	list, err := site.FindFaults(to)
	if err != nil {
		return err
	}
	for _, f := range list {
		fmt.Fprintln(os.Stderr, f)
	}
	if len(list) > 0 {
		return fmt.Errorf("%d faults in %s", len(list), to)
	}
	return nil
}
