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

// logEvent writes a line of the audit trail, which onward log prints. The command runs without it, too: a role that may not make the trail of a
// database has none.
func (g *guard) logEvent(ctx context.Context, event, detail string) {
	if g.unlogged {
		return
	}
	host, _ := os.Hostname() // "" is good enough
	e := &ledger.Entry{Who: fmt.Sprintf("onward guard on %s, process %d", host, os.Getpid()), Event: event, Detail: detail}
	kept := false
	err := g.monitor.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) (err error) {
		if kept, err = ledger.HasLedger(ctx, conn); err != nil {
			return err
		}
		if err := ledger.CreateLedger(ctx, conn, ""); err != nil {
			return err
		}
		return ledger.WriteLog(ctx, conn, e)
	})
	g.unlogged = err != nil
	switch refused := live.FindRefusal(err); {
	case err == nil:
	case !kept && refused != nil && refused.Code == "42501":
		g.c.Logger.Info("the role may not make the audit trail", "error", err)
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
