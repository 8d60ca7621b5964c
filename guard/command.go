package guard

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/sockets"
	"github.com/onward-sql/onward/internal/wire"
)

// runCommand runs the command once and returns its exit code. signalled: a signal was forwarded to it.
func (g *guard) runCommand(ctx context.Context, args, env []string, bypass *bypassMonitor, clients *wire.Clients) (code int, signalled bool, err error) {
	if g.c.Signals != nil { // the command gets the signals, and ends by itself
		ctx = context.WithoutCancel(ctx)
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = g.c.Dir, env, g.c.In, g.c.Out, g.c.Err
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = g.c.Grace
	if err := cmd.Start(); err != nil {
		return 0, false, &config.InputError{Err: fmt.Errorf("run %s: %w", args[0], hideArguments(err))}
	}
	tree := sockets.NewTree(cmd.Process.Pid)
	bypass.watchTree(tree)
	clients.LetIn(tree.Members)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	found := bypass.found
	var kill <-chan time.Time
	for {
		select {
		case s := <-g.c.Signals:
			signalled = true
			_ = cmd.Process.Signal(s) // it may have ended
		case <-found:
			found = nil
			kill = time.After(g.c.Grace)
			tree.SignalAll(syscall.SIGTERM)
			end()
		case <-kill:
			tree.SignalAll(syscall.SIGKILL)
		case err := <-done:
			if err != nil {
				g.c.Logger.Info("the command has ended", "error", err)
			}
			if found == nil {
				endProcesses(tree, g.c.Grace)
			}
			return exitCode(cmd), signalled, nil
		}
	}
}

// endProcesses waits for the processes of a command that bypassed the guard, and kills them after the grace
// period.
func endProcesses(tree *sockets.Tree, grace time.Duration) {
	kill := time.After(grace)
	const pollInterval = 20 * time.Millisecond
	for tree.IsAlive() {
		select {
		case <-kill:
			tree.SignalAll(syscall.SIGKILL)
			return
		case <-time.After(pollInterval):
		}
	}
}

// hideArguments removes the arguments from an error, because they may contain an address.
func hideArguments(err error) error {
	path := new(exec.Error)
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// exitCode returns an exit code as a shell would.
func exitCode(cmd *exec.Cmd) int {
	if cmd.ProcessState == nil {
		return 1
	}
	if w, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return cmd.ProcessState.ExitCode()
}
