// node hocuspocus.mjs PORT SQLITE_FILE: Hocuspocus with its defaults, and its SQLite extension for a store.
import { SQLite } from '@hocuspocus/extension-sqlite'
import { Server } from '@hocuspocus/server'

const [port, database] = process.argv.slice(2)
await new Server({ port: Number(port), address: '127.0.0.1', quiet: true, extensions: [new SQLite({ database })] }).listen()
