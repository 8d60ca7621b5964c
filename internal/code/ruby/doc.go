// Package ruby reads what Ruby declares to a mapper: Active Record and Sequel.
package ruby
