# Bundles; its tools stay here.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --workspaces=false --ignore-scripts
COPY schemas ./schemas
COPY routes ./routes
COPY src ./src
COPY scripts/bundle.ts scripts/load-env.ts scripts/check-node.cjs ./scripts/
RUN npm run build

# Locked production dependencies only: no tools, no client, no pinned Node (the image has its own).
FROM node:24-bookworm-slim AS deps
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --workspaces=false --omit=dev --omit=optional --ignore-scripts
# The list of what is installed: CycloneDX.
RUN npm pkg delete workspaces devDependencies optionalDependencies && npm sbom --sbom-format=cyclonedx >sbom.cdx.json

FROM node:24-bookworm-slim
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="hostkey-s3-gateway" \
  org.opencontainers.image.description="REST gateway in front of HOSTKEY's s3.php" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION"
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data
WORKDIR /app
# The only writable folder: the SQLite files, if they are used.
RUN mkdir --mode=700 /data && chown node:node /data
# Owned by root: the process can read its code but not change it.
COPY --from=deps /app/node_modules ./node_modules
COPY --from=deps /app/sbom.cdx.json ./sbom.cdx.json
COPY --from=build /app/dist ./
COPY scripts/start.cjs scripts/check-node.cjs ./scripts/
# Loads the gateway once: V8's compiled code is kept in the image, and a start does not compile again.
RUN node scripts/start.cjs src/server.js --help
VOLUME /data
USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8080}${process.env.BASE_PATH || ''}/livez`).then(reply => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "scripts/start.cjs", "src/server.js"]
