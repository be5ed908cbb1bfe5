/** A worker of the page, with a backend for the page. */
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { serveThread } from "@kiln-gpu/backend-thread";

serveThread(self, openPersistentBackend({ store: false }));
