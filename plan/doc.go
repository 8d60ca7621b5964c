// Package plan turns the migrations that one wants into those that one can run: what is safe
// stays, and each unsafe change becomes steps that come before the new code (expand), beside
// it (backfill), and after the old code is gone (contract).
package plan
