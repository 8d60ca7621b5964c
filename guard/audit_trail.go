package guard

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
)

// logEvent writes a line of the audit trail, which onward log prints, if the database has a ledger. The guard creates none.
func (g *guard) logEvent(ctx context.Context, event, detail string) {
	if g.unlogged {
		return
	}
	host, _ := os.Hostname() // "" is good enough
	e := &ledger.Entry{Who: fmt.Sprintf("onward guard on %s, process %d", host, os.Getpid()), Event: event, Detail: detail}
	err := g.monitor.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		hasLedger, err := ledger.HasLedger(ctx, conn)
		if err != nil || !hasLedger {
			g.unlogged = true
			return err
		}
		return ledger.WriteLog(ctx, conn, e)
	})
	if err == nil {
		return
	}
	g.unlogged = true
	switch refused := live.FindRefusal(err); {
	case refused != nil && (refused.Code == "42501" || refused.Code == "42P01"):
		g.c.Logger.Info("the role may not write the audit trail, or an older onward has made it", "error", err)
	default:
		g.c.Tell(fmt.Sprintf("onward log does not have this run: %v", address.RedactError(err, g.c.DB)))
	}
}

// describeCommand returns the command and its release for the audit trail, without passwords.
func (g *guard) describeCommand() string {
	const longest = 300 // bytes
	text := pgparse.ClipTo(address.HidePasswords(strings.Join(g.c.Command, " "), address.ListSecrets(g.c.DB)...), longest)
	if g.c.Release != "" {
		text = "release " + g.c.Release + ": " + text
	}
	return text
}
