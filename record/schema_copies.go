package record

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver"
)

// schemaCopies copies the schemas of databases from the user's own server to a throwaway one, by their
// definitions. The user's server is only read.
type schemaCopies struct {
	address         string
	addressDatabase string // the database of the address
	major           int
	logger          *slog.Logger
	server          *pgserver.Server // nil until one is asked for
}

// connectCopy makes the copy of a database, as it is now, and connects to it.
func (c *schemaCopies) connectCopy(ctx context.Context, database string) (*pgx.Conn, error) {
	ddl, err := live.ReadDefinitions(ctx, c.databaseAddress(database))
	if err != nil {
		return nil, err
	}
	if c.server == nil {
		server, err := pgserver.Start(ctx, pgserver.Config{Major: c.major, Small: true, Logger: c.logger})
		if err != nil {
			return nil, fmt.Errorf("a throwaway server of the same version: %w", err)
		}
		c.server = server
	}
	name, err := c.server.NewDatabase(ctx, "")
	if err != nil {
		return nil, err
	}
	conn, err := c.server.Connect(ctx, "", name)
	if err != nil {
		return nil, err
	}
	// Queries on what this machine cannot make are understood by their text.
	if _, err := live.ExecDefinitions(ctx, conn, ddl); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

// databaseAddress is the address of another database of the server.
func (c *schemaCopies) databaseAddress(database string) string {
	if database == c.addressDatabase {
		return c.address
	}
	if u, err := url.Parse(c.address); err == nil && u.Scheme != "" {
		u.Path = "/" + database
		return u.String()
	}
	return c.address + " dbname='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(database) + "'"
}

func (c *schemaCopies) stopCopyServer() error {
	if c.server == nil {
		return nil
	}
	return c.server.Stop()
}
