/** All calls of Nimbus, as one table: what is served, called and documented. */
import type { NimbusApi } from '../nimbus-api.ts'
import { blobRoutes } from './blob-routes.ts'
import { clusterRoutes } from './cluster-routes.ts'
import type { RouteTable } from './route.ts'
import { topologyRoutes } from './topology-routes.ts'

export const nimbusRoutes: RouteTable<NimbusApi> = { ...topologyRoutes, ...clusterRoutes, ...blobRoutes }
