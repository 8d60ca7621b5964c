package throttle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// healthPatience bounds the answer of who is asked for the user's health.
const healthPatience = 5 * time.Second

// Healthy asks the URL, or runs the command, of Limits.Health, where the last time is long enough ago. It
// fails closed: no answer is a bad one. What it prints is shown to nobody.
func (g *Gauge) Healthy(ctx context.Context) Verdict {
	target := g.limits.Health
	if target == "" {
		return Verdict{}
	}
	if time.Since(g.health) >= Every {
		ctx, cancel := context.WithTimeout(ctx, healthPatience)
		defer cancel()
		if strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://") {
			g.sick = get(ctx, target)
		} else {
			g.sick = command(ctx, target)
		}
		g.health = time.Now()
	}
	if g.sick == "" {
		return Verdict{}
	}
	return Verdict{Level: Stop, Why: "--health " + g.sick}
}

// get is what is wrong with a URL's answer; "" for nothing. The URL itself may hold a secret.
func get(ctx context.Context, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "is no URL"
	}
	answer, err := http.DefaultClient.Do(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("gave no answer for %s", healthPatience)
	case err != nil:
		return "cannot be reached"
	}
	_ = answer.Body.Close() // not read
	if answer.StatusCode/100 != 2 {
		return "answers " + answer.Status
	}
	return ""
}

// command is what is wrong with a command's end; "" for nothing.
func command(ctx context.Context, text string) string {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", text)
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	ended := new(exec.ExitError)
	switch {
	case err == nil:
		return ""
	case ctx.Err() != nil:
		return fmt.Sprintf("did not end within %s", healthPatience)
	case errors.As(err, &ended):
		return fmt.Sprintf("ended with exit code %d", ended.ExitCode())
	}
	return "cannot be run"
}
