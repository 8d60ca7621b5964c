# Runs each case of the first argument on a new table, and prints the errors of the statements that Active Record sends after it.
gem "activerecord"
gem "pg"
require "active_record"
require "json"
require_relative "person"

ActiveRecord::Base.establish_connection(adapter: "postgresql")
ActiveRecord::Base.connection
schema, cases = JSON.parse(ARGV[0])
errors = cases.to_h do |name, sql|
  other = PG.connect
  other.exec(schema)
  Person.reset_column_information
  Person.connection.clear_cache!
  Person.create!(nick: "a")
  Person.eager_load(:children).to_a
  other.exec(sql)
  other.close
  message = ""
  begin
    Person.eager_load(:children).to_a
    Person.create!(nick: "b")
    person = Person.first
    person.nick = "c"
    person.save!
  rescue StandardError => e
    message = e.message
  end
  [name, message]
end
puts JSON.generate(errors)
