// Command demo shows onward fleet serve on one machine: a throwaway Postgres with a schema for each tenant, a release with a backfill, workers,
// and the page. It leaves nothing. make demo-fleet runs it.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver"
)

const (
	baseTable = "CREATE TABLE account (id bigint PRIMARY KEY, nick text NOT NULL, amount int NOT NULL);\n"
	nextTable = "ALTER TABLE account RENAME COLUMN nick TO nickname;\nCREATE INDEX account_amount ON account (amount);\n" +
		"ALTER TABLE account ADD CONSTRAINT account_amount_check CHECK (amount >= 0);\n"
	// wrongTenant has a row that the release does not accept.
	wrongTenant = 7
)

// demo is one run.
type demo struct {
	onward, listen string
	tenants, rows  int
	workers        int
	stay           time.Duration

	dir string
	env []string
	all sync.WaitGroup // of the processes that run until the end
}

func main() {
	d := demo{}
	flag.StringVar(&d.onward, "onward", "bin/onward", "the `program`")
	flag.StringVar(&d.listen, "listen", "127.0.0.1:0", "`HOST:PORT` of the page")
	flag.IntVar(&d.tenants, "tenants", 60, "how many `schemas` there are")
	flag.IntVar(&d.rows, "rows", 20000, "how many `rows` each has")
	flag.IntVar(&d.workers, "workers", 2, "how many `workers` run")
	flag.DurationVar(&d.stay, "stay", 2*time.Minute, "for how long the page stays after the release")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := d.runDemo(ctx)
	stop()
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(3)
	}
}

// runDemo makes the servers and the release, and waits for its end.
func (d *demo) runDemo(ctx context.Context) (err error) {
	if d.onward, err = filepath.Abs(d.onward); err != nil {
		return err
	}
	if d.dir, err = os.MkdirTemp("", "onward-demo-"); err != nil {
		return err
	}
	defer os.RemoveAll(d.dir)
	server, err := pgserver.Start(ctx, pgserver.Config{Settings: map[string]string{"max_connections": "200", "max_locks_per_transaction": "1024"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	fmt.Printf("A throwaway Postgres with %d tenants of %d rows …\n", d.tenants, d.rows)
	if err := d.createTenants(ctx, server); err != nil {
		return err
	}
	fmt.Println("onward plan: a column is renamed, an index and a condition are added …")
	if err := d.makePlan(ctx); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer d.all.Wait()
	defer stop()
	return d.runRelease(ctx)
}

// createTenants creates the schemas, and a database for the queue.
func (d *demo) createTenants(ctx context.Context, server *pgserver.Server) error {
	var urls []string
	for range 2 {
		name, err := server.NewDatabase(ctx, "")
		if err != nil {
			return err
		}
		urls = append(urls, server.URL(name))
	}
	d.env = append(os.Environ(), "DATABASE_URL="+urls[0], "QUEUE_URL="+urls[1])
	conn, err := pgx.Connect(ctx, urls[0])
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for i := 1; i <= d.tenants; i++ {
		sign := ""
		if i == wrongTenant {
			sign = "- CASE WHEN n = 1 THEN 2 ELSE 0 END"
		}
		if _, err := conn.Exec(ctx, fmt.Sprintf("CREATE SCHEMA tenant_%03[1]d; SET search_path = tenant_%03[1]d; %[2]s"+
			"INSERT INTO account SELECT n, 'nick ' || n, n %[3]s FROM generate_series(1, %[4]d) AS n; RESET search_path", i, baseTable, sign, d.rows)); err != nil {
			return err
		}
	}
	_, err = conn.Exec(ctx, "ANALYZE")
	return err
}

// makePlan makes a repository with two migrations, and plans the second one.
func (d *demo) makePlan(ctx context.Context) error {
	for i, sql := range []string{baseTable, nextTable} {
		file := filepath.Join(d.dir, "migrations", fmt.Sprintf("%05d_accounts.sql", i+1))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte("-- +goose Up\n"+sql), 0o600); err != nil {
			return err
		}
		for _, words := range []string{"init -q -b main", "add migrations", "-c user.name=demo -c user.email=demo@example.org commit -qm migration"} {
			if err := d.runProgram(ctx, "git", append([]string{"-C", d.dir}, strings.Fields(words)...)...); err != nil {
				return err
			}
		}
	}
	return d.runProgram(ctx, d.onward, "plan", "--base", "HEAD~1", "--format", "json", "--output", "plan.json")
}

// runProgram runs a program to its end. Its output is printed only if it fails.
func (d *demo) runProgram(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = d.dir, d.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return nil
}

// startOnward starts onward, until the context ends. Its messages go to a log.
func (d *demo) startOnward(ctx context.Context, name string, args ...string) (messages io.Reader, err error) {
	cmd := exec.CommandContext(ctx, d.onward, args...)
	cmd.Dir, cmd.Env = d.dir, d.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches this program alone, which ends the others in order
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 40 * time.Second
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	d.all.Go(func() {
		err := cmd.Wait()
		_ = in.CloseWithError(io.EOF)
		if err != nil && ctx.Err() == nil {
			fmt.Fprintf(os.Stderr, "demo: %s has ended: %v\n", name, err)
		}
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			fmt.Printf("%s used %d MB of memory at most, and %.1f s of CPU\n", name, usage.Maxrss/1024, cmd.ProcessState.UserTime().Seconds()+
				cmd.ProcessState.SystemTime().Seconds())
		}
	})
	return out, nil
}

var pageAddress = regexp.MustCompile(`the page is at (\S+)`)

// runRelease starts the page and the workers, and puts the release into the queue.
func (d *demo) runRelease(ctx context.Context) error {
	targets := []string{"--targets", "schemas:tenant_*", "--db", "env:DATABASE_URL"}
	// The first worker makes the queue.
	for i := range d.workers {
		args := append([]string{"fleet", "worker", "--queue", "env:QUEUE_URL", "--at-once", "3"}, targets...)
		messages, err := d.startOnward(ctx, fmt.Sprintf("worker %d", i+1), args...)
		if err != nil {
			return err
		}
		go func() { _, _ = io.Copy(io.Discard, messages) }()
	}
	token := rand.Text()
	d.env = append(d.env, "PAGE_TOKEN="+token)
	args := append([]string{"fleet", "serve", "--queue", "env:QUEUE_URL", "--allow-changes", "--token", "env:PAGE_TOKEN", "--listen", d.listen}, targets...)
	messages, err := d.startOnward(ctx, "the page", args...)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(messages)
	address := ""
	for address == "" && lines.Scan() {
		if m := pageAddress.FindStringSubmatch(lines.Text()); m != nil {
			address = m[1]
		}
	}
	go func() { _, _ = io.Copy(io.Discard, messages) }()
	if address == "" {
		return errors.New("the page does not begin")
	}
	fmt.Printf("\n  the page: %s\n  the token: %s\n\nPause it there, or skip tenant_%03d, which has a wrong row. Ctrl-C ends the demo.\n\n", address, token, wrongTenant)
	cmd := exec.CommandContext(ctx, d.onward, append([]string{
		"apply", "--release", "v2.4", "--plan", "plan.json", "--queue", "env:QUEUE_URL", "--through", "backfill", "--stop-after", "3",
		"--targets-at-once", "4", "--waves", "1,10%,40%,100%",
	}, targets...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = d.dir, d.env, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 20 * time.Second
	if exit := new(exec.ExitError); errors.As(cmd.Run(), &exit) && exit.ExitCode() > 1 && ctx.Err() == nil {
		return fmt.Errorf("onward apply: exit code %d", exit.ExitCode())
	}
	fmt.Printf("\nThe release has ended. The page stays for %s, or until Ctrl-C.\n", d.stay)
	select {
	case <-ctx.Done():
	case <-time.After(d.stay):
	}
	return nil
}
